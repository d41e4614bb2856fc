"""A model that is shown no secret: everything it sees, now and in its history, is veiled first (`policies.veil`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from actuators.observation import Observation
from model.base import Done, Instruction, Model, Perception, Reply
from policies.veil import veiled

__all__ = ["Veiled"]

_KEPT = 64
"""Screens whose veiled form is remembered: more than any prompt holds."""


class Veiled:
    """Implements `model.base.Model` around another.

    Args:
        inner: proposes.
        clean: takes secrets out of a text.
    """

    def __init__(self, inner: Model, clean: Callable[[str], str]) -> None:
        self._inner = inner
        self._clean = clean
        self._known: dict[int, tuple[Observation, Observation]] = {}

    @property
    def name(self) -> str:
        return self._inner.name

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """See `Model.propose`. The reply names the screens it was shown as they were seen."""
        past = [done if done.seen is None else replace(done, seen=self._shown(done.seen)) for done in history]
        reply = self._inner.propose(asked, past, self._shown(seen), perception)
        real = {shown.digest: was.digest for was, shown in self._known.values()}
        return replace(reply, shown=tuple(real.get(digest, digest) for digest in reply.shown))

    def read(self, seen: Observation) -> Observation | None:
        """What the model's own reader reads on what it is shown; None where it has none."""
        reads = getattr(self._inner, "read", None)
        found: Observation | None = reads(self._shown(seen)) if reads is not None else None
        return found

    def close(self) -> None:
        self._inner.close()

    def _shown(self, seen: Observation) -> Observation:
        """One object for each screen, so that a model knows one again."""
        if id(seen) not in self._known:
            while len(self._known) >= _KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[id(seen)] = (seen, veiled(seen, self._clean))  # kept with it, so that no other takes its id
        return self._known[id(seen)][1]
