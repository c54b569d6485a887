"""The prose of ``docs/benchmarks.md``, between its tables."""

from __future__ import annotations

from typing import Final

INTRODUCTION: Final = """
# Benchmarks

Written by `make bench`; do not edit. One real server process, one load generator, real
connections over loopback, all checks and full durability on. Every figure is the median of the
runs, with the lowest and highest in brackets.
"""

EDIT: Final = """
A writer writes a frame; the clock stops when another session has read it. Every delivery is
matched by its content with what was sent, on every session: missing, repeated and unknown ones
would show in the last column. The relay is the floor: it frames an update once and writes it to
all sockets, without checks, document or disk.
"""

SAVED: Final = """
A writer writes a frame; the clock stops when the server says that it is durable: the writer's own
update echoed over y-websocket, `SyncStatus(1)` over Hocuspocus. Both are sent after the commit,
which ends with an fsync, so a slower disk than the one above shows here first. The goal at 1,000
updates/s is p50 25 ms and p99 100 ms.
"""

COST: Final = """
Processor time of the server process, its threads and its children (compaction runs in them),
divided by the edits that reached another session; what acknowledgements and commits cost is in
it. So a load with few readers looks dear: its updates are checked, applied and stored for fewer
deliveries. Loop lag is the server's own metric, warm-up included: how late its event loop ran a
timer twice a second, on average, and the histogram bound that nothing exceeded.
"""

MEMORY: Final = """
Resident memory of the server process. Connections are synchronised members of rooms that were
open before they came. Rooms were opened, written to once, saved, and left loaded without any
connection.
"""

REPEAT: Final = """
## How to repeat

    make bench

takes about four minutes, uses free ports on 127.0.0.1 and a temporary folder only, writes every
run to `benchmarks/results/latest.json` and this page. It exits with an error when a single
delivery or acknowledgement is missing. A quiet machine with two cores or more is wanted; how quiet
it was is said above. Parts of it:

    python -m benchmarks --list
    python -m benchmarks --only big-room --repeats 1 --seconds 10
    python -m benchmarks --folder /some/disk
    python -m benchmarks --patience 600

The last one waits while other processes are busy, and repeats runs that they disturbed, for up to
ten minutes in all; which ones is decided by the processor time of others alone. Runs of parts print
their tables and write neither the results nor this page. On a shared Linux machine root can put
server and generator before everybody else, which is said above when it was done:

    echo -15 > /proc/self/autogroup; nice -n -10 make bench
"""

METHOD: Final = """
## How it is measured

- The generator keeps an open loop: writers write by their plan whatever the server does, so a slow
  server is not spared. Latency counts from the moment of writing to the moment of reading.
- Updates are real Yjs updates, made before the clock starts; frames are built ahead of time and
  recognised by their bytes, or, where a server merges updates, by the clocks inside.
- The generator speaks both protocols over its own small websocket client on uvloop, with garbage
  collection off while it measures.
- Ports, phases and texts are drawn from seeds; each repeat has its own.
- Other processes are counted: all processor time of the machine minus that of server and
  generator. On a busy machine tails (p99, longest) belong to the machine, not to the server; the
  cost for each delivery is disturbed much less.
"""

MISSING: Final = """
## Not measured yet

- other servers in the same run, and the highest rate before latency grows
- joining large documents, cold opening, storms of reconnects, 10,000 connections
- presence, slow readers, a flooded room and its neighbours
- token sign-in and rate limits switched on; more than one node; other stores
- frames larger than a keystroke, and networks slower than loopback
"""
