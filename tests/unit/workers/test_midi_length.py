"""How long a MIDI file sounds, judged by another library and by hand."""

import io

import mido
import pytest

from workers.tools.failures import Failure
from workers.tools.midi_length import length_s


def saved(file: mido.MidiFile) -> bytes:
    into = io.BytesIO()
    file.save(file=into)
    return into.getvalue()


def varied() -> mido.MidiFile:
    """Two tracks, tempo changes in either, running status, a system message."""
    file = mido.MidiFile(ticks_per_beat=480)
    one, other = mido.MidiTrack(), mido.MidiTrack()
    file.tracks += [one, other]
    one.append(mido.MetaMessage("set_tempo", tempo=400_000))
    one.append(mido.Message("program_change", program=3))
    for key in range(60, 72):
        one.append(mido.Message("note_on", note=key, time=0))
        one.append(mido.Message("note_on", note=key, velocity=0, time=480))
    one.append(mido.Message("sysex", data=(1, 2, 3), time=7))
    other.append(mido.MetaMessage("set_tempo", tempo=900_000, time=960))
    other.append(mido.Message("note_on", note=50, time=100))
    other.append(mido.Message("note_off", note=50, time=20_000))
    return file


def test_a_file_lasts_as_long_as_another_library_says() -> None:
    """TOOL-3."""
    file = varied()
    assert length_s(saved(file)) == pytest.approx(file.length)


def test_ten_quarters_at_half_a_second_last_five() -> None:
    """By hand: without a tempo, a quarter is half a second."""
    track = bytes([0, 0x90, 60, 64]) + bytes([0xA5, 0x40]) + bytes([0x80, 60, 0, 0, 0xFF, 0x2F, 0])
    header = b"MThd" + bytes([0, 0, 0, 6, 0, 0, 0, 1, 1, 0xE0])
    assert length_s(header + b"MTrk" + len(track).to_bytes(4, "big") + track) == 5.0


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"RIFF" + bytes(40),
        b"MThd\0\0\0\6\0\0\0\1\1\xe0",
        b"MThd\0\0\0\6\0\0\0\1\0\0MTrk\0\0\0\4\0\xff\x2f\0",
        b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\2\0\x40",
        b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\6\xff\xff\xff\xff\xff\x00",
        b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\3\0\xff\x51",
    ],
)
def test_what_is_no_midi_file_is_refused(junk: bytes) -> None:
    """TOOL-5."""
    with pytest.raises(Failure, match="MIDI"):
        length_s(junk)
