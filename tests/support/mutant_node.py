"""A node with one of the defects of the simulation's mutants, to show that real ones are found too.

As a program: ``python -m tests.support.mutant_node MUTANT serve ...`` is `bandpro` with that
defect. It is a process of its own, because what is forked has been put together before.
"""

from __future__ import annotations

import subprocess
import sys

from gateway import served_store
from gateway.cli import main
from persistence.build import StoreSettings, open_stores
from persistence.stores import Stores
from tests.simulation.mutants import MUTANTS
from tests.support.command import Process
from tests.support.server import Server, Stdio


def mutant(name: str) -> type[Server]:
    """Servers with one of the defects of `MUTANTS` in what they see of their store."""

    class Mutant(Server):
        def _begin(self, stdio: Stdio) -> Process:
            given, output, error = stdio
            return subprocess.Popen(
                [sys.executable, "-m", "tests.support.mutant_node", name, *self._arguments()],
                env=self._environment(),
                stdin=given,
                stdout=output,
                stderr=error,
                start_new_session=True,
            )

    return Mutant


if __name__ == "__main__":
    defect = MUTANTS[sys.argv.pop(1)].build.stores

    async def open_with_defect(settings: StoreSettings) -> Stores:
        return defect(await open_stores(settings))

    served_store.open_stores = open_with_defect  # type: ignore[attr-defined]
    main()
