"""A checkpoint of a place to act: how it stands at one moment, to be put back there later.

Every kind of place keeps what it can and says what it leaves out. A page keeps its address, storage, scroll and fields
(`sandboxes.page_state`), a sandboxed desktop the files that differ from its home (`sandboxes.files_state`). A page is
started from its state (a context from its storage); what then is still missing is done by the hand, under permits, as
any other act. Files are put back where a run has made them real.

A checkpoint takes back what is on this machine and nothing else: what has left cannot be called back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

__all__ = ["NotKept", "Rewindable", "State"]

_VERSION = 1


class NotKept(Exception):
    """The place cannot be kept, or what was kept is no state of this kind. One line."""


@dataclass(frozen=True, slots=True)
class State:
    """How a place stood. Free of secrets by the time it is made."""

    kind: str
    """`page` or `files`."""
    data: Mapping[str, Any]
    """Plain JSON data; what is in it is the kind's business."""
    left_out: tuple[str, ...] = ()
    """What could not or must not be kept, one line each."""

    def to_bytes(self) -> bytes:
        """Canonical JSON: equal states have equal bytes."""
        told = {"v": _VERSION, "kind": self.kind, "data": self.data, "left_out": list(self.left_out)}
        text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "surrogatepass")

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, 64 hexadecimal digits."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """Raises `NotKept` for anything that `to_bytes` does not write."""
        try:
            told = json.loads(stored.decode("utf-8", "surrogatepass"))
            if told["v"] != _VERSION or not isinstance(told["data"], dict):
                raise ValueError("another version")
            return cls(str(told["kind"]), told["data"], tuple(map(str, told["left_out"])))
        except (ValueError, KeyError, TypeError) as error:
            raise NotKept(f"this is no checkpoint that can be read: {type(error).__name__}") from None

    def moved(self, old: str, new: str) -> Self:
        """The same state of a site that has moved from one origin to another."""
        if not old or old == new:
            return self
        return replace(self, data=_swapped(self.data, old, new))


def _swapped(data: Any, old: str, new: str) -> Any:
    match data:
        case str():
            return new + data[len(old) :] if data == old or data.startswith((f"{old}/", f"{old}?", f"{old}#")) else data
        case list():
            return [_swapped(one, old, new) for one in data]
        case dict():
            return {key: _swapped(one, old, new) for key, one in data.items()}
        case _:
            return data


class Rewindable(Protocol):
    """A place that can say how it stands, and in what it differs from how it stood."""

    every_act: bool
    """Whether it is worth keeping before every act, not only before one that is taken to last."""

    def keep(self) -> State:
        """How it stands now. Touches nothing. Raises `NotKept`."""
        ...

    def differs(self, state: State) -> tuple[str, ...]:
        """In what it is not as it was, by looking anew, one line each; empty when it is. Raises `NotKept`."""
        ...
