"""The prose of ``docs/benchmarks.md``, between its tables."""

from __future__ import annotations

from typing import Final

INTRODUCTION: Final = """
# Benchmarks

Written by `make bench`; do not edit. Real server processes, one load generator, real connections
over loopback; BandPro with all checks and full durability on, and other servers under the same
load in the same run. Every figure is the median of the runs, with the lowest and highest in
brackets.
"""

GOALS: Final = """
What BandPro is to reach, with everything switched on, line by line. Ratios are of medians of this
run. A missed goal is said with the factor by which it is missed; [decision 58](decisions.md) says
what holds it back, with profiles.
"""

SYSTEMS: Final = """
All get the same frames from the same generator, at the same rates, one after the other on the same
core. They do not do the same work; what each leaves out or adds is said here. All of them tell a
writer about each of its updates, so all are held to the same check: every update delivered to every
other session, and acknowledged to its own. Only BandPro says it after the disk has it.
"""

EDIT: Final = """
A writer writes a frame; the clock stops when another session has read it. Every delivery is
matched by its content with what was sent, on every session: missing, repeated and unknown ones
would show in the last columns. Updates that a server merges are found by the clocks inside.
"""

SAVED: Final = """
A writer writes a frame; the clock stops when the server says that it is durable: the writer's own
update echoed over y-websocket, `SyncStatus(1)` over Hocuspocus. Both are sent after the commit,
which ends with an fsync, so a slower disk than the one above shows here first. Peers are left out:
none of them says when an edit is on disk.
"""

COST: Final = """
Processor time of the server process, its threads and its children, divided by the edits that
reached another session, and by the updates that it received. What acknowledgements and commits
cost is in it. So a load with few readers looks dear: its updates are checked, applied and stored
for fewer deliveries. Loop lag is BandPro's own metric, warm-up included: how late its event loop
ran a timer twice a second, on average, and the histogram bound that nothing exceeded.
"""

LADDER: Final = """
The room of 50 with five writers, at a rising rate, until p99 exceeds 100 ms, something is missing,
or a session is closed. The last rate that was kept up with counts; one that was not is tried twice
more on fresh processes. `at least`: the generator's own core was busy for more than nine tenths
when it broke, or the rates came to their end, so the server may well take more.
"""

STRESS: Final = """
Figures that a goal bounds, and latencies, of `python -m benchmarks.stress`; all others are in
`benchmarks/results/stress.json`. Each workload is kept by itself, so they may come from other days
and machines than the loads above, and than each other.
"""

REPEAT: Final = """
## How to repeat

    make bench

installs the peers beside their locks in `benchmarks/peers/`, measures, and writes every run to
`benchmarks/results/`, this page and its plots. It uses free ports on 127.0.0.1 and temporary
folders only. It exits with an error when a single delivery or acknowledgement of BandPro is
missing. A quiet machine with two cores or more is wanted; how quiet it was is said above. Parts:

    python -m benchmarks --list
    python -m benchmarks --only big-room/ --repeats 1 --seconds 10
    python -m benchmarks --only /relay --quick
    python -m benchmarks --patience 600
    python -m benchmarks --page

`--patience` waits while other processes are busy, and repeats runs that they disturbed, for up to
that many seconds in all; which ones is decided by the processor time of others alone. Parts print
their tables and keep nothing; `--page` writes this page again from what was kept, which after an
interruption are the rounds that came to their end. On a shared Linux machine root can put server
and generator before everybody else, which is said above when done:

    echo -15 > /proc/self/autogroup; nice -n -10 make bench

    make bench-smoke

takes under two minutes: the room of 50 and the hundred rooms of 5, BandPro and the relay in turn.
It compares the ratios with `benchmarks/baselines/smoke.json`, says what got worse, and exits with
an error when it is worse by more than the noise that is noted there.
"""

METHOD: Final = """
## How it is measured

- The generator keeps an open loop: writers write by their plan whatever the server does, so a slow
  server is not spared. Latency counts from the moment of writing to the moment of reading.
- Updates are real Yjs updates, made before the clock starts; frames are built ahead of time and
  recognised by their bytes, or, where a server merges updates, by the clocks inside.
- The generator speaks both protocols over its own small websocket client on uvloop, with garbage
  collection off while it measures.
- One client opens each room before the others come; pycrdt-websocket turns away those who open a
  room at the same moment.
- Phases and texts are drawn from seeds; each repeat has its own.
- Other processes are counted: all processor time of the machine minus that of server and
  generator. On a busy machine tails (p99, longest) belong to the machine, not to the server; the
  cost for each delivery is disturbed much less, and ratios within one run least.
- The relay is `benchmarks/peers/relay.c`: one thread on epoll that frames an update once and writes
  it to every socket of the room. No server can be much cheaper that sends each update by itself;
  one that merges updates sends less and can.
"""

MISSING: Final = """
## Not measured yet

- token sign-in and rate limits switched on; more than one node; other stores
- frames larger than a keystroke at these rates, and networks slower than loopback
- peers with their persistence extensions
"""
