"""Questions to people, and their answers: each question gets at most one, whoever asks for it and from wherever."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Engine, RowMapping, Select, func, insert, select, update

from agent.store.engine import writing
from agent.store.tables import decisions, escalations, requests
from policies.approval import Answer

__all__ = ["Asked", "Decided", "Escalation", "Lost", "Requests"]

State = Literal["open", "decided", "expired", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question."""

    id: str
    run: str
    made_at: float
    expires_at: float | None
    """None: it waits until somebody answers."""
    on_timeout: str
    state: State
    card: str
    """JSON, as the broker wrote it; `digest` is over exactly this text."""
    digest: str
    frame: str
    assigned: str
    """The only one, beside admins, who may answer; empty: any approver."""

    @property
    def told(self) -> dict[str, Any]:
        """The card as data."""
        told: dict[str, Any] = json.loads(self.card)
        return told

    @property
    def open(self) -> bool:
        return self.state == "open" and (self.expires_at is None or self.expires_at > time.time())


@dataclass(frozen=True, slots=True)
class Decided:
    """The one answer that a question got."""

    request: str
    answer: str
    by: str
    at: float
    channel: str
    body: str
    signature: str
    taken_at: float | None
    came_of_it: str


@dataclass(frozen=True, slots=True)
class Escalation:
    """A question that was handed to somebody else."""

    by: str
    to: str
    why: str
    at: float


@dataclass(frozen=True, slots=True)
class Lost:
    """This answer did not win, and why: one line."""

    why: str


class Requests:
    """The tables of questions and answers, on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, run: str, card: str, digest: str, wait_s: float | None, on_timeout: str) -> Asked:
        """Put a question. `wait_s` is None for one that waits."""
        now = time.time()
        asked = Asked(
            secrets.token_hex(8),
            run,
            now,
            None if wait_s is None else now + wait_s,
            on_timeout,
            "open",
            card,
            digest,
            "",
            "",
        )
        with writing(self._engine) as connection:
            connection.execute(insert(requests).values(**{name: getattr(asked, name) for name in Asked.__slots__}))
        return asked

    def get(self, request: str) -> Asked | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(requests).where(requests.c.id == request)).mappings().first()
        return _asked(row) if row is not None else None

    def found(self, beginning: str) -> list[Asked]:
        """Open questions whose id begins so."""
        return [one for one in self.waiting(limit=10_000) if one.id.startswith(beginning)]

    def waiting(self, limit: int = 200, run: str = "") -> list[Asked]:
        """Open questions, the one that ends first in front."""
        wanted = select(requests).where(*_open_now())
        if run:
            wanted = wanted.where(requests.c.run == run)
        ends = func.coalesce(requests.c.expires_at, 1e12)
        with self._engine.connect() as connection:
            rows = connection.execute(wanted.order_by(ends, requests.c.made_at).limit(limit)).mappings().all()
        return [_asked(row) for row in rows]

    def count(self) -> int:
        """How many are open."""
        with self._engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(requests).where(*_open_now())).scalar() or 0)

    def of_run(self, run: str) -> list[Asked]:
        """Every question of a run, oldest first."""
        with self._engine.connect() as connection:
            wanted = select(requests).where(requests.c.run == run).order_by(requests.c.made_at)
            return [_asked(row) for row in connection.execute(wanted).mappings().all()]

    def decide(self, answer: Answer, body: str, signature: str, channel: str) -> Lost | None:
        """Give an answer. None: it won. A question that has one already, ended, or is not there refuses.

        INVARIANT (one answer): the conditional update and the insert are one transaction; of two answers that come at
        the same moment the database lets exactly one change the row from `open`.
        """
        now = time.time()
        with writing(self._engine) as connection:
            taken = update(requests).where(requests.c.id == answer.request, requests.c.digest == answer.digest)
            if not connection.execute(taken.where(*_open_now(now)).values(state="decided")).rowcount:
                return Lost(self._why_not(connection, answer))
            told = {"answer": answer.answer, "by": answer.by, "at": answer.at, "channel": channel, "body": body}
            connection.execute(insert(decisions).values(request=answer.request, signature=signature, **told))
        return None

    def decided(self, request: str) -> Decided | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(decisions).where(decisions.c.request == request)).mappings().first()
        return Decided(**row) if row is not None else None

    def state(self, request: str) -> State | None:
        """One small look, for the broker that waits."""
        with self._engine.connect() as connection:
            found: State | None = connection.execute(select(requests.c.state).where(requests.c.id == request)).scalar()
        return found

    def close(self, request: str, how: Literal["expired", "withdrawn"]) -> bool:
        """End a question that nobody answered. False where an answer was given: then that one counts."""
        wanted = update(requests).where(requests.c.id == request, requests.c.state == "open")
        with writing(self._engine) as connection:
            return bool(connection.execute(wanted.values(state=how)).rowcount)

    def taken(self, request: str, came_of_it: str) -> None:
        """The run's broker has taken the answer; what came of it, in words."""
        wanted = update(decisions).where(decisions.c.request == request, decisions.c.taken_at.is_(None))
        with writing(self._engine) as connection:
            connection.execute(wanted.values(taken_at=time.time(), came_of_it=came_of_it[:400]))

    def escalate(self, request: str, by: str, to: str, why: str) -> bool:
        """Hand a question to somebody else. False where it is not open any more."""
        wanted = update(requests).where(requests.c.id == request, *_open_now())
        with writing(self._engine) as connection:
            if not connection.execute(wanted.values(assigned=to)).rowcount:
                return False
            told = {"by": by, "to": to, "why": why[:500], "at": time.time()}
            connection.execute(insert(escalations).values(request=request, **told))
        return True

    def escalations(self, request: str) -> list[Escalation]:
        wanted: Select[Any] = select(escalations.c.by, escalations.c.to, escalations.c.why, escalations.c.at)
        with self._engine.connect() as connection:
            rows = connection.execute(wanted.where(escalations.c.request == request).order_by(escalations.c.n)).all()
        return [Escalation(*row) for row in rows]

    def pulse(self) -> tuple[Any, ...]:
        """Something that is another whenever a question came, was handed on, shown or answered."""
        with self._engine.connect() as connection:
            counted = select(func.count(), func.max(requests.c.made_at)).select_from(requests)
            open_now = counted.where(*_open_now())
            passed = select(func.max(escalations.c.n))
            shown = select(func.count()).select_from(requests).where(*_open_now(), requests.c.frame != "")
            last = select(func.max(decisions.c.at), func.max(decisions.c.taken_at))
            return (
                *connection.execute(open_now).one(),
                connection.execute(passed).scalar(),
                connection.execute(shown).scalar(),
                *connection.execute(last).one(),
            )

    def _why_not(self, connection: Connection, answer: Answer) -> str:
        row = connection.execute(select(requests).where(requests.c.id == answer.request)).mappings().first()
        if row is None:
            return "there is no such request"
        by = connection.execute(select(decisions.c.by).where(decisions.c.request == answer.request)).scalar()
        if by:
            return f"{by} has decided it already"
        if row["digest"] != answer.digest:
            return "it is not what was shown"
        return "the run does not wait for it any more" if row["state"] == "withdrawn" else "its time has run out"


def _open_now(now: float | None = None) -> tuple[Any, ...]:
    now = time.time() if now is None else now
    return requests.c.state == "open", (requests.c.expires_at.is_(None)) | (requests.c.expires_at > now)


def _asked(row: RowMapping) -> Asked:
    return Asked(**row)
