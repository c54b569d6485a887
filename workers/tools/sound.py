"""Sound: MIDI played by FluidSynth, and encoded."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from workers.tools.failures import Failure, Missing
from workers.tools.midi_length import length_s
from workers.tools.options import ToolOptions
from workers.tools.programs import first_existing, run_program

SOUNDFONTS: Final = tuple(
    Path("/usr/share") / name
    for name in (
        "sounds/sf2/default-GM.sf2",
        "sounds/sf3/default-GM.sf3",
        "sounds/sf2/FluidR3_GM.sf2",
        "sounds/sf2/TimGM6mb.sf2",
        "soundfonts/default.sf2",
    )
)
"""Where systems keep instruments; the first that is there is taken."""

_RATE_HZ: Final = 44_100


def soundfont(options: ToolOptions) -> Path:
    """The file with the instruments.

    Raises:
        Missing: there is none.
    """
    if options.soundfont is not None:
        wanted = Path(options.soundfont)
        if not wanted.is_file():
            raise Missing(f"the soundfont {wanted}", "name another one")
        return wanted
    found = first_existing(SOUNDFONTS)
    if found is None:
        advice = "Debian has a small one as timgm6mb-soundfont, a larger one as fluid-soundfont-gm"
        raise Missing("a soundfont", advice)
    return found


def wav_of(midi: bytes, folder: Path, options: ToolOptions) -> Path:
    """Play a MIDI file into a WAV file.

    Args:
        midi: the file.
        folder: an empty one.
        options: how long it may last, and what it is played with.

    Raises:
        Failure: it lasts too long; or FluidSynth or its instruments are missing, failed or overran
            a limit.
    """
    lasts_s = length_s(midi)
    if lasts_s > options.sound_s_max:
        raise Failure(f"the music lasts {lasts_s:.0f} s; {options.sound_s_max} s may be")
    (folder / "in.mid").write_bytes(midi)
    run_program(
        "fluidsynth",
        *("-n", "-i", "-q", "-g", "0.6", "-r", str(_RATE_HZ)),
        *("-T", "wav", "-O", "s16", "-F", "out.wav"),
        *(str(soundfont(options)), "in.mid"),
        folder=folder,
    )
    if not (folder / "out.wav").exists():
        said = (folder / "said").read_text(errors="replace")
        raise Failure(f"fluidsynth wrote nothing: {said}")
    return folder / "out.wav"


def mp3_of(wav: Path) -> Path:
    """Encode a WAV file beside itself.

    Raises:
        Failure: lame is missing, failed or overran a limit.
    """
    encoded = wav.with_suffix(".mp3")
    run_program("lame", "--quiet", "-V", "4", wav.name, encoded.name, folder=wav.parent)
    return encoded
