"""Whoever was let in before a room was loaded is looked at once more behind it."""

import asyncio
from dataclasses import replace

import pytest

from collab.access import Claims, Grant, Role
from collab.errors import AccessDenied, RoomUnavailable, Unauthenticated
from collab.ids import Milliseconds, Subject, UnixSeconds
from gateway.auth.authenticator import Clocks
from gateway.auth.build import build_auth
from gateway.auth.revocation_file import Revocation
from gateway.node_settings import connection_limits, gate_limits
from gateway.observe.metrics import Metrics
from gateway.settings import Settings, load_settings
from gateway.transport.doors import Doors
from gateway.transport.gate import Gate
from gateway.transport.sweeper import Sweeper
from tests.unit.rooms.rig import NAME, Rig, rig

NOW = UnixSeconds(1_800_000_000)
EDITOR = Claims(
    subject=Subject("u-1"),
    display_name="Clara",
    grants=(Grant("quartet", Role.EDITOR),),
    expires_at=UnixSeconds(NOW + 60),
    issued_at=UnixSeconds(NOW - 10),
)


class Wall:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> UnixSeconds:
        return self.now


def settings() -> Settings:
    return load_settings({"auth": "token", "token_secret": "s" * 32, "store": "memory"})


def doors(node: Rig, wall: Wall) -> Doors:
    chosen = settings()
    clocks = Clocks(wall=wall, monotonic=lambda: Milliseconds(0))
    return Doors(
        registry=node.registry,
        auth=build_auth(chosen, clocks),
        gate=Gate(gate_limits(chosen)),
        limits=connection_limits(chosen),
        metrics=Metrics(),
        clocks=clocks,
        update_bytes_max=chosen.update_bytes_max,
        document_bytes_max=chosen.document_bytes_max,
        queue_before_auth_bytes_max=chosen.queue_before_auth_bytes_max,
        queue_before_auth_messages_max=chosen.queue_before_auth_messages_max,
        documents_per_socket_max=chosen.documents_per_socket_max,
        trusted_proxies=(),
        sweeper=Sweeper(),
    )


async def test_a_revocation_during_the_load_keeps_the_subject_out() -> None:
    """ACC-13."""
    node = rig()
    entrance = doors(node, Wall())
    gate = node.faults.gates["log.read"] = asyncio.Event()
    opening = asyncio.create_task(entrance.open_room(NAME, EDITOR))
    await asyncio.sleep(0.01)
    await entrance.auth.revocations.revoke(
        Revocation(subject=EDITOR.subject, room=NAME, role=None, revoked_at=NOW)
    )
    gate.set()
    with pytest.raises(AccessDenied):
        await opening


async def test_a_token_that_expires_during_the_load_opens_nothing() -> None:
    node, wall = rig(), Wall()
    entrance = doors(node, wall)
    gate = node.faults.gates["log.read"] = asyncio.Event()
    opening = asyncio.create_task(entrance.open_room(NAME, EDITOR))
    await asyncio.sleep(0.01)
    wall.now = UnixSeconds(NOW + 60)
    gate.set()
    with pytest.raises(Unauthenticated):
        await opening


async def test_a_demotion_during_the_load_is_in_the_claims_that_join() -> None:
    """ACC-13."""
    node = rig()
    entrance = doors(node, Wall())
    gate = node.faults.gates["log.read"] = asyncio.Event()
    opening = asyncio.create_task(entrance.open_room(NAME, EDITOR))
    await asyncio.sleep(0.01)
    await entrance.auth.revocations.revoke(
        Revocation(subject=EDITOR.subject, room=NAME, role=Role.VIEWER, revoked_at=NOW)
    )
    gate.set()
    _, claims = await opening
    assert [ruling.role for ruling in claims.rulings] == [Role.VIEWER]


async def test_a_draining_node_opens_nothing() -> None:
    node = rig()
    await node.registry.drain(1.0)
    with pytest.raises(RoomUnavailable):
        await doors(node, Wall()).open_room(NAME, EDITOR)


def test_a_session_lasts_as_long_as_its_claims_and_no_longer() -> None:
    wall = Wall()
    entrance = doors(rig(), wall)
    assert entrance.expires_in_s(EDITOR) == 60
    wall.now = UnixSeconds(NOW + 100)
    assert entrance.expires_in_s(EDITOR) == 0
    assert entrance.expires_in_s(replace(EDITOR, expires_at=None)) is None
