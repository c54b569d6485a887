"""What a person reads when the server is ready: where it is and what to try."""

from __future__ import annotations

import sys
from typing import Final

from collab.score.chorale import CHORALE_ROOM
from gateway.setting_types import AuthMode
from gateway.settings import Settings

_UNGUARDED: Final = """
  BandPro is running.

  Open         {url}/#/{room}
               twice, side by side, and edit: a four-part chorale, live.
               {url} lists all scores, {url}/inspect shows them as data.
  Connect      new WebsocketProvider("{ws}/collab", "{room}", doc)
               new HocuspocusProvider({{ url: "{ws}/hocuspocus", name: "{room}", document: doc }})
  HTTP API     {url}/docs
  Metrics      {admin}
  Stop         Ctrl+C; everything is saved in {data}

"""
_GUARDED: Final = """
  BandPro is running, and asks for tokens.

  Open         {url}
  Token        bandpro token --subject you --room '**=owner' mints one for development
  HTTP API     {url}/docs
  Metrics      {admin}
  Stop         Ctrl+C; everything is saved in {data}

"""


def show_ready(settings: Settings, port: int, admin_port: int | None) -> None:
    """Show the text on a terminal, and wherever the demo is to be found.

    Args:
        settings: of the server.
        port: the one that is really listened on.
        admin_port: the same for metrics; None where there is none.
    """
    if sys.stdout.isatty() or settings.seeds_demo:
        sys.stdout.write(ready_text(settings, port, admin_port))
        sys.stdout.flush()


def ready_text(settings: Settings, port: int, admin_port: int | None) -> str:
    """The text for a terminal; `port` and `admin_port` are those really listened on."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    text = _UNGUARDED if settings.auth is AuthMode.OPEN else _GUARDED
    return text.format(
        url=f"http://{host}:{port}",
        ws=f"ws://{host}:{port}",
        admin=f"http://127.0.0.1:{admin_port}/metrics" if admin_port else "off",
        data=settings.data,
        room=CHORALE_ROOM,
    )
