"""A bot that sings a third below one part into another, note by note as somebody writes it."""

import asyncio
import os
import sys
from collections.abc import Iterator

from bandpro_client import Score, open_score
from collab.score.intervals import WrittenPitch, signature_alter
from collab.score.model import STEPS
from collab.score.operations import EditRefused, Operation
from collab.score.operations.operations import DeleteElements, InsertNote, Repitch


def third_below(pitch: WrittenPitch, fifths: int) -> WrittenPitch:
    octaves, place = divmod(STEPS.index(pitch.step) - 2, len(STEPS))
    return WrittenPitch(STEPS[place], pitch.octave + octaves, signature_alter(STEPS[place], fifths))


def harmony(score: Score, melody: str, second: str, fifths: int) -> Iterator[Operation]:
    wanted = {note.place: third_below(note.pitch, fifths) for note in score.notes(melody)}
    sung = {note.place: note for note in score.notes(second)}
    yield from (DeleteElements((sung[at].id,), True) for at in sung.keys() - wanted.keys())
    yield from (InsertNote(second, *at, wanted[at]) for at in wanted.keys() - sung.keys())
    both = wanted.keys() & sung.keys()
    yield from (Repitch(sung[at].id, wanted[at]) for at in both if sung[at].pitch != wanted[at])


async def main(url: str, room: str, melody: str, second: str, fifths: str) -> None:
    async with open_score(url, room, os.environ.get("TOKEN")) as score:
        score.show({"user": {"name": "Harmony"}})
        async for _ in score.changes():
            try:
                score.edit(*harmony(score, melody, second, int(fifths)))
            except EditRefused as error:
                print("left alone:", error)


asyncio.run(main(*sys.argv[1:]))
