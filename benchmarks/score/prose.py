"""The words of ``docs/score-benchmarks.md``."""

from __future__ import annotations

from typing import Final

INTRODUCTION: Final = """
# Benchmarks of scores

Written by `python -m benchmarks.score`; do not edit. What a score costs to import, keep, edit,
export and engrave, beside music21 and MuseScore where these do the same; and what editors notice
of a worker at its limit. Steps in one process are the fastest of 3 times, tools of 2, whole
programs ran once; latencies are percentiles of all samples, ratios the median of pairs of windows
with the lowest and highest in brackets. Servers and sockets as a whole are in
[benchmarks.md](benchmarks.md).
"""

WORKS: Final = """
## What was taken

Files of music21's corpus, which tests install and this repository does not hold. The compositions
are in the public domain; of the encodings music21 says that their makers let it pass them on, some
not for commercial use.
"""

DOCUMENTS: Final = """
## In and out

Import is from the bytes of the file to the update that makes a document; apply is that update into
an empty replica, which is also what a client does that joins. Whoever exports or compares reads the
document as facets first. Normalising is what a reader does to show it: voices, rests and conflicts.
"""

KEPT: Final = """
## Kept

The log has the update as it was received, a snapshot the same packed by zstd. In memory is the
growth of a process that loads the document and does nothing else; of a small one most is what the
library takes at first. The files are archives, except for the song.
"""

ENGRAVED: Final = """
## Engraved and played

In a tool process that is warm: Verovio, then rsvg-convert, or fluidsynth and lame. What lasts too
long to be played (15 minutes) is refused, as it would be for anybody.
"""

PAGES: Final = """
## One page, from the order to the file

The chorale of the demo as PDF: ordered as a job, taken by the runner in the same process, engraved,
and its file and record stored durably in SQLite. Warm is one after the other with the tool process
there; cold is with a new one, as after five minutes in which nothing was engraved.
"""

OTHERS: Final = """
## Beside music21

music21 in a process that has it imported; its times are of one run, for reading a file without its
cache, and for writing what it read. It drops what it does not model, which BandPro keeps and writes
again. MIDI comes from Verovio here, which reads the score anew for it. These, and those below of
whole programs, were measured on a busy machine (see the load above), one right after the other;
music21 at another time than BandPro's import and export, so only large differences count. Works
that are not in the tables are still to be measured beside others.
"""

COLD: Final = """
## Beside MuseScore

Both as programs that are started for one file, with all that takes: `bandpro convert` starts Python
twice, MuseScore its libraries of Qt. MuseScore 3.2.3 is what Debian 12 has; 4 cannot be had as a
package there. MuseScore plays with its own synthesizer and sound font, and neither ends after 15
minutes nor has any other limit.
"""

EDITS: Final = """
## One note

Another pitch for a note, and one more in a chord: planned by the typed operations and written into
a replica. The updates with pitches then go through a real server, 40 a second, from one editor to
another; saved is when the sender is told that it is on disk. The movement has 40 times as many
notes as the chorale.
"""

LIMITS: Final = """
## While a worker is at its limit

{rooms} rooms of {clients}; in each one client writes {rate:g} updates a second. Windows of
{window:g} s without and with bombs take turns, {pairs} of each, in one run on one server; a
ratio is of a window with bombs to the quiet one before it. The bombs are jobs, done one after
the other: an archive of 60 MB of white space, entities within entities, elements 100,000 deep, a
MIDI file of two weeks, and a million measures, which take all the time or memory that a tool may
have (3 s and 2 GiB here).
Tool processes have nice 10. Server, tools and the editors' process share the two processors,
except in the last row, where server and tools share one of them and the editors have the other.
What all processors did while it was quiet tells how quiet it was: the server and the editors need
about 0.35 of them, and the rest is other work on the machine.
"""

ENDS: Final = """
Within what windows differ by anyhow, saving takes no longer. Before, it had: p99 rose 1.59 times
where the server does jobs itself, because a file of 21 MB was copied on the event loop on its way
to the tool (decision 143). What an edit takes to the others swings more, in single windows, and
most beside jobs of the same process.

How they ended:
"""

REPEAT: Final = """

## Repeat it

`python -m benchmarks.score --music21 PYTHON` with an interpreter that has music21 and its
dependencies, Verovio (`bandpro[engraving]`), rsvg-convert, fluidsynth and lame; with MuseScore on
PATH it is measured, too. `--only limits` repeats one part, `--page` writes the page from
`benchmarks/results/score.json`.
"""
