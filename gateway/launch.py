"""Where the `bandpro` command begins: the form of the core is chosen, then all else is imported."""

from __future__ import annotations

import os
import sys
from typing import Final

from gateway.compiled.form import FormUnavailable, choose

EXIT_USAGE: Final = 2


def main() -> None:
    """Choose the form of the core, then run the command line."""
    if not form_is_chosen():
        sys.exit(EXIT_USAGE)
    from gateway.cli import main as run  # noqa: PLC0415 - imports the core, in the form chosen

    run()


def form_is_chosen() -> bool:
    """Choose the form of the core as the environment says; where there is none such, say so."""
    try:
        choose(os.environ)
    except FormUnavailable as error:
        sys.stderr.write("\n".join([f"Error: {error}", *error.__notes__, ""]))
        return False
    return True


if __name__ == "__main__":
    main()
