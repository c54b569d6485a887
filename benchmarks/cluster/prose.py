"""The words of ``docs/cluster-benchmarks.md``."""

from __future__ import annotations

from typing import Final

INTRODUCTION: Final = """
# Benchmarks of many nodes

Written by `python -m benchmarks.cluster`; do not edit. Real processes over loopback: nodes, a
Redis between them, a store that they share, and one load generator. A processor for the generator
and one for all the rest, unless said otherwise. Rates are open loops, every delivery is matched
by its content, and each figure is the median of the runs, with the lowest and highest in
brackets. How a single node does beside other servers is in [benchmarks.md](benchmarks.md).
"""

LATENCY: Final = """
## From one node to another

20 rooms of 3; in each one client writes 5 updates a second. An edit crosses when it is durable,
never before, so a crossing takes as long as saving does, and a little more; on the writer's own
node it does not wait for that. SQLite is a data folder that both nodes share, as workers of one
machine do; MongoDB is SecantusDB standing in for it, with its journal on the same disk.
"""

COST: Final = """
## What crossing costs

Processor time of all nodes, divided by the edits that reached another session. All nodes, Redis
and the store share one processor here, so latencies of several nodes are those of a crowded
machine. Where each room is on one node nothing has to cross; several nodes cost more all the same,
most likely because fewer updates share a commit, and each does at rest what one node does once.
"""

WIDE: Final = """
## A room of 200 over three nodes

What crosses Redis is one message for each commit, whatever the number of clients: `PUBLISH for
each update` is below one where updates are committed together, and holds beats and presence as
well.
"""

THROUGHPUT: Final = """
## Throughput

40 rooms of 10, two of each write, at a rising rate ({rates} updates a second of each writer)
until p99 exceeds 100 ms or something is missing; the last rate that was kept up with counts. With
one processor for all nodes the ratio is what it costs to be several; with all processors the
generator takes part of what the second node could have, so that it says little about more than
two cores.
"""

PEER: Final = """
## Beside Hocuspocus with its Redis extension

Two nodes of each, the same generator and wire. Hocuspocus keeps nothing on disk here and
publishes at once; BandPro's edits cross when they are durable, which the crossing's latency
shows. Hocuspocus' nodes tell each other state vectors and answer them; BandPro's tell the update
itself.
"""

RESTART: Final = """
### Redis killed, and started again after 1.5 seconds

In the middle of nine seconds of the first load. `missing` are deliveries that had not come 20
seconds after the last update was written, `longest` is what one waited at most.
"""

MODEL: Final = """
## A hundred nodes, on paper

{nodes} nodes and {connections:,} connections, {room_clients} to a room: {rooms:,.0f} open rooms;
in {active:.0%} of them somebody writes {updates_per_s:g} updates a second: {updates:,.0f} updates
and {deliveries:,.0f} deliveries a second. What was measured above and beside it is multiplied
out; nothing of this size was run.
"""

LIMITS: Final = """
What it says:

- **Nodes** are far from their limits, in processor time and in memory. Clients at home are a
  matter of what everything else costs, not of the nodes.
- **Redis** takes it on one thread while clients are at home. Scattered, each update is heard by
  as many nodes as the room is open on; a Cluster with sharded channels divides that by its
  shards. Beats of all to all grow with the square of the nodes: little at a hundred, as much as
  all edits at some hundreds more.
- **The store** is asked by every node where the logs of its open rooms stand, every 4 seconds on
  average, and more than twice as often without Redis, many rooms in one query, whether anything
  happens in them or not. The rate above counts rooms. Scattering multiplies it, so it is the first
  to be felt, and clients at home are the cure.
- **Appends** are one commit each at this rate, for a room's updates share a commit only when they
  come within milliseconds. A replica set takes some thousands of journalled commits a second for
  each primary; so the store needs as many shards as the appends are a multiple of that.
- **The load balancer** holds two sockets for each websocket, and has 64 thousand ports for each
  pair of its own and a node's address: ten thousand connections a node are well within that,
  hundreds of thousands to one node would not be. By hashing the path it keeps clients at home;
  when a node goes, its ten thousand clients come back at once, spread over all others.
"""

REPEAT: Final = """
## How to repeat

    make peers services
    python -m benchmarks.cluster
    python -m benchmarks.cluster --standing
    python -m benchmarks.cluster --list
    python -m benchmarks.cluster --only peer/ --repeats 1 --dry
    python -m benchmarks.cluster --page

Parts are kept one by one in `benchmarks/results/cluster.json`. Redis has to be on PATH.
"""
