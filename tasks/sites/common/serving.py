"""Serve one ASGI application on loopback and say where, for a parent that starts it as a child.

Knows nothing about any one site. It does not protect against other users of the same machine:
whoever can reach 127.0.0.1 can use the site.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading

import uvicorn
from starlette.types import ASGIApp

__all__ = ["serve"]

_GRACE_S = 1


class _Announcing(uvicorn.Server):
    """A server that prints its address once it accepts connections."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if sockets and self.started:
            port = sockets[0].getsockname()[1]
            print(json.dumps({"url": f"http://127.0.0.1:{port}/"}), flush=True)


def serve(app: ASGIApp, port: int, *, with_parent: bool) -> None:
    """Serve `app` on 127.0.0.1 until SIGTERM, or until stdin closes if `with_parent`.

    Port 0 asks the system for a free port; the one it gave is in the line printed on stdout,
    which is the only thing printed there.
    """
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Announcing(config)
    # The protocol is named because asyncio turns Nagle's delay off only for sockets that name it.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        if with_parent:
            threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
        server.run(sockets=[listening])


def _end_with_stdin(server: uvicorn.Server) -> None:
    """Stop `server` at end of file on stdin, which the parent's death brings about."""
    descriptor = sys.stdin.fileno()
    while os.read(descriptor, 4096):
        pass
    server.should_exit = True
