"""A server's place on this machine's own address, and how it is served there. Nothing of deskhand listens elsewhere."""

from __future__ import annotations

import socket
from typing import Any

__all__ = ["PortTaken", "bound", "served"]

_BACKLOG = 128
"""Whoever follows a link at once waits for the first page, and is not turned away."""


class PortTaken(Exception):
    """The port cannot be had. One line."""


def bound(port: int, instead: str) -> socket.socket:
    """A listener on 127.0.0.1; port 0 takes a free one. Raises `PortTaken`, with what to try `instead`."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        why = (getattr(error, "strerror", "") or "not a port").lower()
        raise PortTaken(f"port {port} cannot be had: {why}; try: {instead}") from None
    return listener


def served(app: Any, listener: socket.socket) -> None:
    """Serve an ASGI application there until it is told to stop. Needs uvicorn."""
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        ws="none",
    )
    uvicorn.Server(config).run(sockets=[listener])
