"""Where the `bandpro` command begins: the form of the core is chosen, then all else is imported."""

from __future__ import annotations

import os
import sys

from gateway.compiled.form import FormUnavailable, choose

_EXIT_USAGE = 2


def main() -> None:
    """Choose the form of the core, then run the command line."""
    try:
        choose(os.environ)
    except FormUnavailable as error:
        sys.stderr.write("\n".join([f"Error: {error}", *error.__notes__, ""]))
        sys.exit(_EXIT_USAGE)
    from gateway.cli import main as run  # noqa: PLC0415 - imports the core, in the form chosen

    run()


if __name__ == "__main__":
    main()
