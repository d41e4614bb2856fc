"""`agent mcp`: the server on this process's pipes, or over HTTP on this machine's own address behind a token.

Over HTTP nothing is answered without the token, whoever asks; then only under the server's own name (a page that points
its own name at this machine gets nothing) and to no page of another origin.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.assistants.desk import Desk, Wanted
from agent.loopback import PortTaken, bound, served
from agent.outcome import USAGE
from policies.narrow import TIERS
from policies.rule import PolicyUnusable

if TYPE_CHECKING:
    from mcp.server import MCPServer

__all__ = ["Options", "serve"]

TOKEN = "AGENT_MCP_TOKEN"
SHORTEST = 16
_APPROVE = ("auto", "console", "deny")

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    tasks: Sequence[Path] = (Path("tasks"),)
    runs: Path = Path("runs")
    policy: Sequence[str] = ()
    tier: str = ""
    approve: str = "auto"
    model: str = "pilot"
    http: int | None = None
    """A port on 127.0.0.1, 0 for a free one; None for standard input and output."""


class _Misuse(Exception):
    """The caller's mistake; one line."""


def serve(options: Options) -> int:
    """Serve until the other side hangs up, or Ctrl+C. Returns 2 for what the caller got wrong."""
    try:
        desk = Desk(_wanted(options))
    except (_Misuse, PolicyUnusable) as error:
        print(f"agent mcp: {error}", file=sys.stderr)
        return USAGE
    try:
        from agent.assistants.server import made

        server = made(desk)
        if options.http is None:
            server.run("stdio")
        else:
            _over_http(server, options.http)
    except (_Misuse, PortTaken) as error:
        print(f"agent mcp: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return 0
    finally:
        desk.close()
    return 0


def _wanted(options: Options) -> Wanted:
    if find_spec("mcp") is None:
        raise _Misuse("this needs further packages; try: pip install 'deskhand[mcp]'")
    for folder in options.tasks:
        if not folder.exists():
            raise _Misuse(f"--tasks names `{folder}`, which is not there; name a folder with task files")
    if options.tier and options.tier not in TIERS:
        raise _Misuse(f"--tier takes one of {', '.join(TIERS)}, got `{options.tier}`")
    if options.approve not in _APPROVE:
        raise _Misuse(f"--approve takes one of {', '.join(_APPROVE)}, got `{options.approve}`: there is no terminal")
    if options.policy:
        from policies.decide import PolicySet

        PolicySet.load(list(options.policy))
    approve = options.approve
    if approve == "auto":
        approve = "console" if find_spec("sqlalchemy") is not None else "deny"
    folders = tuple(folder.absolute() for folder in options.tasks)
    return Wanted(folders, options.runs.absolute(), approve, tuple(options.policy), options.tier, options.model)


def _over_http(server: MCPServer[Any], port: int) -> None:
    from mcp.server.transport_security import TransportSecuritySettings

    token, given = os.environ.get(TOKEN, ""), True
    if not token:
        token, given = secrets.token_urlsafe(24), False
    elif len(token) < SHORTEST:
        raise _Misuse(f"{TOKEN} must hold {SHORTEST} characters or more; leave it out and one is made")
    with bound(port, "agent mcp --http 0") as listener:
        port = listener.getsockname()[1]
        names = [f"127.0.0.1:{port}", f"localhost:{port}"]
        origins = [f"http://{name}" for name in names]
        security = TransportSecuritySettings(allowed_hosts=names, allowed_origins=origins)
        app = server.streamable_http_app(transport_security=security)
        print(f"deskhand for assistants: http://127.0.0.1:{port}/mcp", flush=True)
        print(f"send `Authorization: Bearer {'$' + TOKEN if given else token}`", flush=True)
        served(_Guarded(app, token), listener)


class _Guarded:
    """An ASGI application that answers nobody without the token."""

    def __init__(self, app: App, token: str) -> None:
        self._app, self._wanted = app, f"bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not self._shown(scope):
            headers = [(b"content-type", b"text/plain"), (b"www-authenticate", b"Bearer")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": b"send the token that `agent mcp` has printed\n"})
            return
        await self._app(scope, receive, send)

    def _shown(self, scope: Scope) -> bool:
        shown = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
        if len(shown) != 1:
            return False
        kind, _, token = shown[0].partition(b" ")
        return hmac.compare_digest(kind.lower() + b" " + token, self._wanted)
