"""Where the store is, and what this machine is called. Imports nothing heavy and opens nothing."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["KeyUnusable", "StoreUnusable", "default_url", "machine", "store_file"]


class KeyUnusable(Exception):
    """The approver's key, or the list of keys that count, cannot be read or made. One line."""


class StoreUnusable(Exception):
    """The store cannot be opened. One line: what, and what to try. Never holds a password."""


def default_url() -> str:
    """What `AGENT_STORE` names, else the owner's own file."""
    return os.environ.get("AGENT_STORE", "").strip() or f"sqlite:///{_own_file()}"


def _own_file() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "deskhand" / "deskhand.db"


def store_file(url: str) -> Path | None:
    """Where a store lies that is a file; None for one on a server. Imports and opens nothing."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def machine() -> str:
    """This machine's name, as runs and consoles state it."""
    return os.uname().nodename[:120]
