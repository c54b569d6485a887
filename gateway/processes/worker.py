"""Where a worker begins: ``python -m gateway.processes.worker``, with the descriptors it is given.

Its settings are all in the environment. The form of the core is chosen before anything of it is
imported, as for every command.
"""

from __future__ import annotations

import socket
import sys

from gateway.launch import EXIT_USAGE, form_is_chosen
from gateway.lean_imports import import_lean


def main(descriptors: list[str]) -> int:
    """Serve until told to stop.

    Args:
        descriptors: of the leash, of the socket that listens, and of one for metrics if there is
            one.

    Returns:
        The exit code: that of the node, or 2 when it cannot start as the settings say.
    """
    if not form_is_chosen():
        return EXIT_USAGE
    import_lean("structlog")
    from collab.errors import BandProError  # noqa: PLC0415 - the core, in the form chosen
    from gateway.main import run  # noqa: PLC0415
    from gateway.processes.leash import Inherited  # noqa: PLC0415
    from gateway.settings import load_settings  # noqa: PLC0415

    sockets = [socket.socket(fileno=int(each)) for each in descriptors]
    for each in sockets:
        each.setblocking(False)  # noqa: FBT003 - positional only
        each.set_inheritable(False)
    leash, listener, *admin = sockets
    try:
        return run(load_settings(), Inherited(leash, listener, admin[0] if admin else None))
    except BandProError as error:
        from gateway.complaints import complain  # noqa: PLC0415 - not needed when all is well

        complain(error)
        return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
