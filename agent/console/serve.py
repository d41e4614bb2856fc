"""`agent console`: the console served on this machine's own address, and the link that lets its owner in."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent.alerts import AlertsUnusable
from agent.loopback import PortTaken, bound, served
from agent.outcome import USAGE
from agent.store.people import PersonRefused
from agent.store.where import KeyUnusable, StoreUnusable

if TYPE_CHECKING:
    from agent.console.app import Proxy
    from agent.store.store import Store

__all__ = ["Options", "serve"]

HEADER, SECRET = "AGENT_PROXY_HEADER", "AGENT_PROXY_SECRET"
_SHORTEST_SECRET = 16


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    port: int = 8642
    runs: Path = Path("runs")
    public_origin: str = ""
    operators: Mapping[str, str] = field(default_factory=dict)
    link: bool = True


class _Misuse(Exception):
    """The caller's mistake; one line."""


def serve(options: Options) -> int:
    """Serve until Ctrl+C. Returns 2 for what the caller got wrong."""
    try:
        return _serve(options)
    except ImportError as error:
        print(f"agent console: `{error.name}` is missing; try: pip install 'deskhand[console]'", file=sys.stderr)
    except (AlertsUnusable, KeyUnusable, PersonRefused, PortTaken, StoreUnusable, _Misuse) as error:
        print(f"agent console: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 0
    return USAGE


def _serve(options: Options) -> int:
    from agent.console.app import Settings, made
    from agent.console.hooks import ANSWER_KEY, hook_of
    from agent.store.keys import SYSTEM, own_key, public_of, trust, trusted
    from agent.store.listeners import Listening
    from agent.store.store import Store
    from policies.broker import seal_memory

    public = _public(options.public_origin)
    with ExitStack() as stack:
        store = stack.enter_context(Store(pool=20))
        if options.operators:
            return _operators(store, options.operators)
        listener = stack.enter_context(bound(options.port, "agent console --port 0"))
        key = own_key()
        trust(public_of(key), os.uname().nodename)
        if public_of(key) not in trusted():
            print(f"no run takes this console's answers: name its key in {SYSTEM}: {public_of(key)}", file=sys.stderr)
        port = listener.getsockname()[1]
        origin = f"http://127.0.0.1:{port}"
        origins = (origin, f"http://localhost:{port}", *([public] if public else []))
        settings = Settings(
            origins=origins,
            runs=options.runs,
            proxy=_proxy(os.environ),
            answers_key=_answers_key(os.environ.get(ANSWER_KEY, "")),
            secure=public.startswith("https://") and options.public_origin != "",
        )
        if (hook := hook_of(os.environ, store, public or origin)) is not None:
            stack.enter_context(hook)
        for one in origins:
            stack.enter_context(Listening(store.listeners, "console", public_of(key), one))
        seal_memory()  # the key is in this process
        print(f"the console: {public or origin}", flush=True)
        if options.link:
            name = getpass.getuser()
            known = store.people.get(name)
            owner = known if known is not None and known.role == "admin" else store.people.put(name, "admin")
            token = store.people.link(owner)
            print(f"once, within 15 minutes: {public or origin}/enter?link={token}", flush=True)
        served(made(store, key, settings), listener)
    return 0


def _public(origin: str) -> str:
    if not origin:
        return ""
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or "@" in parts.netloc:
        raise _Misuse(f"--public-origin takes an address like `https://console.example.org`, got `{origin}`")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _proxy(environment: Mapping[str, str]) -> Proxy | None:
    from agent.console.app import Proxy

    header, secret = environment.get(HEADER, "").strip().lower(), environment.get(SECRET, "")
    if not header:
        return None
    if len(secret) < _SHORTEST_SECRET:
        raise _Misuse(f"{HEADER} needs {SECRET}, shared with the proxy, {_SHORTEST_SECRET} characters or more")
    return Proxy(header, secret)


def _answers_key(key: str) -> str:
    if key and len(key) < _SHORTEST_SECRET:
        raise _Misuse(f"AGENT_ANSWER_KEY must hold {_SHORTEST_SECRET} characters or more")
    return key


def _operators(store: Store, wanted: Mapping[str, str]) -> int:
    """Add or change operators; each password is asked for, or read from a pipe, one a line."""
    for name, role in wanted.items():
        if role == "none":
            said = "can come in no more" if store.people.disable(name) else "was no operator"
            print(f"{name} {said}")
            continue
        asked = f"password for {name} (empty: none): "
        password = getpass.getpass(asked) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        operator = store.people.put(name, role, password)
        print(f"{operator.name} is {operator.role}")
    return 0
