"""Versions of a room: kept and restored through the API of any node, whatever happens meanwhile."""

from __future__ import annotations

from contextlib import suppress

from collab.errors import BandProError
from collab.history.versions import Restored, Version
from collab.ids import Epoch, RoomKey, RoomName, room_key
from collab.protocol.update_scan import scan_update
from tests.simulation.cluster import PROGRAM, Cluster
from tests.simulation.oracle import opened, replica_of
from tests.simulation.workers import EDIT


class History:
    """Makes and restores versions, and compares what comes of it with the log.

    Args:
        cluster: whose nodes are asked.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._oracle = cluster.oracle

    def keep(self, place: int, room: RoomName) -> None:
        """Make a version through a node."""
        node, key = self._cluster.nodes[place], room_key(room)

        async def keep() -> None:
            asked = self._oracle.moment(key)
            with suppress(BandProError):
                version = await node.versions.create(room, "kept", "", PROGRAM)
                self._cluster.count("version kept")
                content = await node.versions.read(room, version)
                self._check_version(key, asked, version, content)

        self._cluster.loop.begin(node.process, keep())

    def restore(self, place: int, room: RoomName, which: float) -> None:
        """Restore a version through a node.

        Args:
            place: the node's.
            room: which one.
            which: from 0, the newest version, up to 1.
        """
        node, key = self._cluster.nodes[place], room_key(room)

        async def restore() -> None:
            with suppress(BandProError):
                versions = await node.versions.list(room)
                if not versions:
                    return
                version = versions[int(which * len(versions))]
                wanted = await node.versions.read(room, version)
                done = await node.versions.restore(room, version, PROGRAM)
                self._cluster.count("version restored")
                undo = done.undo and await node.versions.get(room, done.undo)
                self._check_restored(key, version.epoch, wanted, done, undo or None)

        self._cluster.loop.begin(node.process, restore())

    def _check_version(
        self, room: RoomKey, asked: tuple[Epoch, int], version: Version, content: bytes
    ) -> None:
        """It holds what its rows hold, and among them all that were there when it was wanted."""
        epoch, head = asked
        if version.epoch != self._oracle.moment(room)[0]:
            return  # erased meanwhile
        if epoch == version.epoch and version.sequence < head:
            self._oracle.blame("a version lacks what was saved before")
        if replica_of(opened([content])) != replica_of(
            opened(self._oracle.rows(room, version.sequence))
        ):
            self._oracle.blame("a version is not what the rows make")

    def _check_restored(
        self, room: RoomKey, of: Epoch, wanted: bytes, done: Restored, undo: Version | None
    ) -> None:
        """One more row makes of what was there what the version is, and undoes nothing else."""
        oracle, edit = self._oracle, EDIT.get()
        rows = oracle.rows(room, done.sequence)
        if not rows:
            return  # erased meanwhile
        if of != oracle.moment(room)[0]:
            oracle.blame("a restore brought back what was erased")
            return
        before = oracle.rows(room, undo.sequence) if undo is not None else []
        if (
            replica_of(opened([*before, edit] if edit else before))[1]
            != replica_of(opened([wanted]))[1]
        ):
            oracle.blame("a restore did not bring the version back")
        if done.notes:
            oracle.blame(f"a restore could not bring back plain content: {done.notes}")
        if not edit:
            return
        if edit not in rows:  # others may have deleted the same meanwhile
            if replica_of(opened([*rows, edit])) != replica_of(opened(rows)):
                oracle.blame("a restore is not saved")
            return
        earlier = replica_of(opened(rows[: rows.index(edit)]))[0]
        for span in scan_update(edit).ranges:
            if span.client in earlier:
                oracle.blame("a restore wrote as somebody else")
            oracle.promises[span.client] = span.end
