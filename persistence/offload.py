"""The server's side of its worker processes: work on content that may end a process, off the loop.

The CRDT library can overflow its stack or run for seconds on bytes made for the purpose, and holds
the interpreter's lock meanwhile. Here it does so in a subprocess with limits on memory, processor
time, wall-clock time and output (`worker_pool`).
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from typing import Final

from collab.errors import WorkerFailed
from collab.ids import Epoch, RoomName
from collab.limits import COMPARE_CHARS_MAX, COMPARE_ENTRIES_MAX
from persistence.worker_frames import (
    LENGTH_BYTES,
    Operation,
    Status,
    encode_request,
    split_parts,
)
from persistence.worker_pool import PoolLimits, WorkerPool

WORKER_MODULE: Final = "workers.main"


class Offload:
    """Runs work on documents in killable subprocesses.

    Args:
        limits: of each worker.
    """

    def __init__(self, limits: PoolLimits | None = None) -> None:
        self._pool = WorkerPool(WORKER_MODULE, limits or PoolLimits())

    async def merge(self, updates: SequenceOf[bytes]) -> bytes:
        """Merge updates into one that was verified to hold all of them, pending parts included.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the updates.
        """
        return await self._request(Operation.MERGE, updates)

    async def state_vector(self, update: bytes) -> bytes:
        """The encoded state vector of what an update holds without a gap.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the update.
        """
        return await self._request(Operation.STATE_VECTOR, (update,))

    async def state(self, updates: SequenceOf[bytes]) -> bytes:
        """The document that updates integrate to, as one update; deleted content is blanked.

        Unlike :meth:`merge` it leaves out what waits for others.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the updates.
        """
        return await self._request(Operation.STATE, updates)

    async def describe(self, update: bytes) -> bytes:
        """The roots of a document with their types and values, as JSON.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the update.
        """
        return await self._request(Operation.DESCRIBE, (update,))

    async def compare(self, old: bytes, new: bytes, *, as_scores: bool = False) -> bytes:
        """What differs between two documents, as JSON, within bounds.

        Args:
            old: one as one update.
            new: the other.
            as_scores: element by element, measure by measure.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused an update.
        """
        bounds = f"{COMPARE_ENTRIES_MAX},{COMPARE_CHARS_MAX}".encode()
        operation = Operation.COMPARE_SCORES if as_scores else Operation.COMPARE
        return await self._request(operation, (old, new, bounds))

    async def restore(self, current: bytes, wanted: bytes, client: int) -> tuple[bytes, bytes]:
        """The edit that makes one document's content that of another.

        Args:
            current: the document as it is.
            wanted: what it shall be.
            client: a client id that nobody uses.

        Returns:
            JSON with notes on what cannot be brought back, and the edit; empty for none.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused an update.
        """
        arguments = (current, wanted, str(client).encode())
        return _told_and_edit(await self._request(Operation.RESTORE, arguments))

    async def comments(
        self, comments: bytes, score: bytes, request: bytes, client: int
    ) -> tuple[bytes, bytes, bytes]:
        """Read the comments on a score, or find the edit that a deed makes in them.

        Args:
            comments: their document.
            score: the document of the score.
            request: what is wanted, as `collab.score.comment_deeds` writes it down.
            client: the client id of the edit.

        Returns:
            JSON, which tells why it is refused if it is; the answer as JSON, empty where there is
            nothing to tell; and the edit, empty for none.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused an update.
        """
        arguments = (comments, score, request, str(client).encode())
        told, answer, update = split_parts(await self._request(Operation.COMMENTS, arguments))
        return told, answer, update

    async def seed_score(self, facets: bytes) -> tuple[bytes, bytes]:
        """Check the facets of a new score (JSON), and encode them.

        Returns:
            JSON with what is wrong with them, and the update; empty where anything is.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused them.
        """
        return _told_and_edit(await self._request(Operation.SEED_SCORE, (facets,)))

    async def import_score(self, file: bytes, room: RoomName, epoch: Epoch) -> tuple[bytes, bytes]:
        """Read a MusicXML file as the first update of a room.

        Returns:
            JSON with the title and what could not be taken as it stands, or why it is refused;
            and the update, always the same one for the same file, room and epoch.

        Raises:
            WorkerFailed: the worker died, or overran a limit.
        """
        arguments = (file, room.encode(), str(epoch).encode())
        return _told_and_edit(await self._request(Operation.IMPORT_SCORE, arguments))

    async def export_score(self, update: bytes, wanted: bytes) -> tuple[bytes, bytes]:
        """Write a score, or one part of it, as a MusicXML file.

        Args:
            update: the document.
            wanted: as JSON: ``part`` and ``transposition``, null for all and for as written.

        Returns:
            JSON, which tells why it is refused if it is; and the file.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the update.
        """
        return _told_and_edit(await self._request(Operation.EXPORT_SCORE, (update, wanted)))

    async def set_entries(self, current: bytes, entries: bytes, client: int) -> bytes:
        """The edit that sets entries of top-level maps; empty where they are so already.

        Args:
            current: the document as it is.
            entries: as JSON: map to key to value, null to delete.
            client: the client id of the edit.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the update.
        """
        arguments = (current, entries, str(client).encode())
        return await self._request(Operation.SET_ENTRIES, arguments)

    async def edit_score(self, current: bytes, request: bytes, client: int) -> tuple[bytes, bytes]:
        """The edit that operations on a score make, all of them or none.

        Args:
            current: the document as it is.
            request: as JSON: ``operations`` and ``id_prefix``.
            client: the client id of the edit.

        Returns:
            JSON, which tells why it is refused if it is; and the edit, empty for none.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the update.
        """
        arguments = (current, request, str(client).encode())
        return _told_and_edit(await self._request(Operation.EDIT_SCORE, arguments))

    async def summary(self, update: bytes) -> bytes:
        """A score in brief, as JSON.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the update.
        """
        return await self._request(Operation.SUMMARY, (update,))

    async def title(self, updates: SequenceOf[bytes]) -> str:
        """What a score is called; empty for one without a title.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the updates.
        """
        return (await self._request(Operation.TITLE, updates)).decode()

    async def fingerprint(self, updates: SequenceOf[bytes]) -> bytes:
        """A digest of the document that updates amount to, however they are cut.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the updates.
        """
        return await self._request(Operation.FINGERPRINT, updates)

    async def clients(self, updates: SequenceOf[bytes]) -> bytes:
        """The client ids that ever wrote in a document, encoded as `RetiredClients`.

        Raises:
            WorkerFailed: the worker died, overran a limit, or refused the updates.
        """
        return await self._request(Operation.CLIENTS, updates)

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers alive, for operators and tests."""
        return self._pool.worker_pids

    async def aclose(self) -> None:
        """End every worker; requests under way fail. Closing twice is no error."""
        await self._pool.aclose()

    async def _request(self, operation: Operation, arguments: SequenceOf[bytes]) -> bytes:
        status, result = await self._pool.request(encode_request(operation, arguments))
        if status is Status.DONE:
            return result
        raise WorkerFailed(f"the worker refused: {result.decode(errors='replace')}")


def _told_and_edit(answer: bytes) -> tuple[bytes, bytes]:
    """Part what is told, with its length in front, from the edit after it."""
    end = LENGTH_BYTES + int.from_bytes(answer[:LENGTH_BYTES], "big")
    return answer[LENGTH_BYTES:end], answer[end:]
