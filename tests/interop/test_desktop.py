"""The desktop application: its main process in plain Node, against a real server."""

from pathlib import Path

from tests.support.access import mint
from tests.support.server import serving
from tests.support.typescript import CLIENTS, run_tests


def test_main_process(tmp_path: Path) -> None:
    """What the application asks of Electron, and what it makes of what a person does.

    Bears DESKTOP-1, DESKTOP-2, DESKTOP-3, DESKTOP-4 and DESKTOP-5.
    """
    with serving(tmp_path, auth="token") as server:
        token = mint(server, {"scores/**": "owner"}, subject="u-ada")
        run_tests(CLIENTS / "desktop", BANDPRO_URL=server.url, BANDPRO_TOKEN=token)
