"""What is told about a score that is erased at that moment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from collab.errors import EpochMoved, StoreUnavailable
from collab.ids import FIRST_EPOCH, UnixSeconds
from collab.ports import RecordKind
from persistence.build import Stores
from persistence.erasure import ErasureMode
from persistence.failpoints import Failpoints
from persistence.score_record import (
    ScoreRecord,
    change_score_record,
    keep_title,
    read_score_record,
)
from tests.contract.conftest import NAME, ROOM
from tests.contract.erasing import erased, fill
from tests.contract.overtaking import overtaken

TITLE = "Unter den Linden"


def archived(known: ScoreRecord) -> ScoreRecord:
    """The same score, archived."""
    return replace(known, archived_at=UnixSeconds(7))


@pytest.mark.parametrize("mode", ErasureMode)
async def test_a_title_is_not_kept_where_an_erasure_came_before_the_record(
    stores: Stores, mode: ErasureMode
) -> None:
    """SCO-19: The erasure had nothing to delete yet."""
    await fill(stores)
    slow = overtaken(stores, "records", "compare_and_set", lambda: erased(stores, mode))
    with pytest.raises(EpochMoved):
        await keep_title(slow, NAME, TITLE, of=FIRST_EPOCH)
    assert await stores.raw.records.list(RecordKind.SCORE, ROOM, after=None, limit=1) == ()


async def test_what_says_nothing_of_a_document_is_told_of_the_new_one(stores: Stores) -> None:
    """SCO-19: Without the title of before."""
    await fill(stores)
    await keep_title(stores, NAME, TITLE, of=FIRST_EPOCH)
    slow = overtaken(stores, "records", "compare_and_set", lambda: erased(stores))
    told = await change_score_record(slow, NAME, archived)
    assert told == await read_score_record(stores, NAME)
    assert (told.title, told.archived_at) == ("", 7)


async def test_what_an_erasure_has_not_deleted_yet_is_not_taken_over(stores: Stores) -> None:
    """SCO-19: Its node died between the new epoch and what it was to delete."""
    await fill(stores)
    await keep_title(stores, NAME, TITLE, of=FIRST_EPOCH)
    dying = replace(stores, failpoints=Failpoints.parse("erasure.after_manifest=error"))
    with pytest.raises(StoreUnavailable):
        await erased(dying)
    assert (await change_score_record(stores, NAME, archived)).title == ""
    assert (await read_score_record(stores, NAME)).title == ""
