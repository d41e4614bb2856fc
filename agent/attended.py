"""Who is asked, and where a run shows itself: a terminal, a console, or nobody.

`auto`, the default, is the console where one listens on this user's store, else the terminal: whoever opened a console
has said where they look, and a question on a terminal that nobody watches is one that nobody answers.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, cast

from agent.store.where import StoreUnusable, default_url, store_file
from agent.watch import Watch
from agent.wheel import Wheel

if TYPE_CHECKING:
    from agent.run_folder import RunFolder
    from agent.store.presence import Presence
    from policies.narrow import Narrow

__all__ = ["APPROVE", "Attended", "asked_where", "attended", "broker_process", "console_origins", "way_to_ask"]

APPROVE = ("auto", "tty", "console", "deny")
TTY_S, CONSOLE_S, A_DAY_S = 60.0, 300.0, 86_400.0

Where = Literal["tty", "console", "deny"]


def asked_where(approve: str) -> Where:
    """What `auto` comes to here and now; anything else as it stands."""
    if approve == "console" and find_spec("sqlalchemy") is None:
        raise StoreUnusable("asking at a console needs further packages; try: pip install 'deskhand[console]'")
    if approve != "auto":
        return cast(Where, approve)
    return "console" if _heard() else "tty"


def _heard() -> bool:
    """Whether a console listens whose key counts. Without a store, nothing is imported and nothing is made."""
    if not _store_there():
        return False
    try:
        from agent.store.keys import trusted
        from agent.store.store import Store

        with Store() as store:
            return any(one.key in trusted() for one in store.listeners.alive())
    except StoreUnusable:
        if os.environ.get("AGENT_STORE"):
            raise
        return False  # nobody named it, and no console can listen on what cannot be opened


def _store_there() -> bool:
    """Whether there is a store that a console could listen on; a look at a name, nothing more."""
    file = store_file(default_url())
    return (file is None or file.exists()) and find_spec("sqlalchemy") is not None


def console_origins(approve: str) -> tuple[str, ...]:
    """Origins of every console that listens, whoever is asked: nothing of the agent's may go there."""
    if approve != "console" and not _store_there():
        return ()
    try:
        from agent.store.store import Store

        with Store() as store:
            return tuple(sorted({one.origin for one in store.listeners.alive() if one.origin}))
    except StoreUnusable:
        if approve == "console":
            raise
        return ()  # no console can listen on what cannot be opened


def way_to_ask(approve: str, narrow: Narrow) -> dict[str, Any]:
    """What `policies.broker.Broker` needs beyond the rules: how long a person has, and the process that asks them."""
    within_s = narrow.answer_within_s
    if approve != "console":
        return {"approve_s": A_DAY_S if narrow.on_timeout == "wait" else float(within_s or TTY_S)}
    process = broker_process(approve)
    return {"approve_s": float(within_s or CONSOLE_S), "process": process, "asking": {"store": default_url()}}


def broker_process(approve: str) -> str:
    """The module that is the broker's process."""
    if approve != "console":
        return "policies.broker"
    from agent.store.broker import PROCESS

    return PROCESS


class Attended:
    """A run's side of whoever looks on; without a console it changes nothing."""

    def __init__(self, presence: Presence | None = None) -> None:
        self._presence = presence

    def frame(self, png: bytes) -> bytes:
        """A frame, its secrets blacked out already."""
        return png if self._presence is None else self._presence.frame(png)

    def watch(self, inner: Watch) -> Watch:
        return inner if self._presence is None else self._presence.watch(inner)

    @property
    def wheel(self) -> Wheel | None:
        """Where a person takes the surface over."""
        return self._presence


@contextmanager
def attended(
    approve: str,
    folder: RunFolder,
    told: dict[str, str],
    stop: threading.Event,
    interrupt: Callable[[], None],
    broker_key: str,
) -> Iterator[Attended]:
    """Show the run to consoles while it goes on, where it asks at one."""
    if approve != "console":
        yield Attended()
        return
    from agent.store.presence import Presence

    with Presence(default_url(), folder, told, stop, interrupt, broker_key) as presence:
        yield Attended(presence)
