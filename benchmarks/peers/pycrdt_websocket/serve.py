"""pycrdt-websocket on uvicorn as its documentation starts it: ``python serve.py PORT``.

Runs in an environment of its own, see ``requirements.in`` beside it.
"""

from __future__ import annotations

import sys

import uvicorn
import uvloop
from pycrdt.websocket import ASGIServer, WebsocketServer


async def _serve(port: int) -> None:
    rooms = WebsocketServer()
    app = ASGIServer(rooms)
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", loop="uvloop")
    async with rooms:
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
