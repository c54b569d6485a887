"""The parts of the settings, as each part of a node is given them."""

from __future__ import annotations

from typing import Final

from collab.history.compaction import CompactionLimits
from collab.history.versions import ActivityRules, ThinningRules
from collab.room.room import RoomLimits
from gateway.rooms.appender import AppendLimits
from gateway.rooms.applying import ApplyLimits
from gateway.rooms.commit_pace import CommitPace
from gateway.rooms.orphan_collector import OrphanRules
from gateway.rooms.runner_settings import RunnerSettings
from gateway.rooms.version_keeper import VersionRules
from gateway.settings import Settings
from gateway.transport.connection import ConnectionLimits
from gateway.transport.gate import GateLimits
from gateway.transport.rates import Pace
from persistence.failpoints import Failpoints

_HOUR_S: Final = 3_600
_DAY_S: Final = 24 * _HOUR_S


def runner_settings(settings: Settings) -> RunnerSettings:
    """The part of the settings that rooms are run with."""
    return RunnerSettings(
        room=RoomLimits(
            document_bytes_max=settings.document_bytes_max,
            pending_bytes_max=settings.pending_updates_bytes_max,
            sessions_max=settings.sessions_per_room_max,
            awareness_clients_per_session_max=settings.awareness_clients_per_session_max,
            awareness_state_bytes_max=settings.awareness_state_bytes_max,
        ),
        append=AppendLimits(
            attempts_max=settings.append_attempts_max,
            retry_ms_max=settings.append_retry_ms_max,
            unsaved_bytes_max=settings.unsaved_bytes_max,
        ),
        unload_after_ms=settings.unload_after_ms,
        compaction=compaction_limits(settings),
        join_bytes_in_flight_max=settings.join_bytes_in_flight_max,
        loads_at_once_max=settings.loads_at_once_max,
        apply=ApplyLimits(
            burst_ms=settings.apply_burst_ms,
            sender_ms_per_s=settings.apply_sender_ms_per_s,
            room_ms_per_s=settings.apply_room_ms_per_s,
            held_ms_max=settings.apply_held_ms_max,
        ),
        failpoints=Failpoints.parse(",".join(settings.failpoints)),
        pace=CommitPace(settings.commit_interval_ms),
    )


def compaction_limits(settings: Settings) -> CompactionLimits:
    """The part of the settings that says when logs are compacted."""
    return CompactionLimits(
        tail_updates=settings.compaction_tail_updates,
        tail_bytes=settings.compaction_tail_bytes,
        tail_age_s=settings.compaction_tail_age_s,
    )


def version_rules(settings: Settings) -> VersionRules:
    """The part of the settings that says when versions are made, and how long they are kept."""
    return VersionRules(
        automatic=settings.automatic_versions,
        activity=ActivityRules(settings.version_interval_ms / 1000, settings.version_edits),
        thinning=ThinningRules(
            all_s=settings.versions_all_hours * _HOUR_S,
            hourly_s=settings.versions_hourly_hours * _HOUR_S,
            daily_s=settings.versions_daily_days * _DAY_S,
            weekly_s=settings.versions_weekly_days * _DAY_S,
        ),
    )


def orphan_rules(settings: Settings) -> OrphanRules:
    """The part of the settings that says which files nothing needs any more."""
    return OrphanRules(
        collects=settings.collect_orphans,
        age_s=settings.orphan_age_hours * _HOUR_S,
        round_s=settings.orphan_round_s,
    )


def connection_limits(settings: Settings) -> ConnectionLimits:
    """The part of the settings that bounds each connection."""
    return ConnectionLimits(
        frame_before_auth_bytes_max=settings.frame_before_auth_bytes_max,
        frame_bytes_max=settings.frame_bytes_max,
        outbox_bytes_max=settings.outbox_bytes_max,
        heartbeat_ms=settings.heartbeat_ms,
        auth_timeout_ms=settings.auth_timeout_ms,
        idle_timeout_ms=settings.idle_timeout_ms,
        messages_per_s=settings.messages_per_s,
        messages_burst=settings.messages_burst,
        bytes_per_s=settings.bytes_per_s,
        bytes_burst=settings.bytes_burst,
        rate_limits=settings.rate_limits,
    )


def gate_limits(settings: Settings) -> GateLimits:
    """The part of the settings that bounds connections as a whole."""
    return GateLimits(
        connections_max=settings.connections_max,
        connections_per_address_max=settings.connections_per_address_max,
        connects_per_s=settings.connects_per_s,
        connects_burst=settings.connects_burst,
        per_address=settings.rate_limits,
    )


def request_pace(settings: Settings) -> Pace | None:
    """How fast each address may ask the API; None to let everybody."""
    if not settings.rate_limits:
        return None
    return Pace(settings.requests_per_s, settings.requests_burst)
