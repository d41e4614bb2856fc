"""The queue of runs: items, each done by one worker at a time under a lease that it must keep renewing.

A worker that dies stops renewing, and another may take its item over once the lease is out. Every lease has a number
that counts up, and nothing is written for an item but by whoever holds its newest: a worker that was thought dead and
wakes up finds that it has lost the item. What an item's run has done in the world is not known here; `agent.work` reads
it from the run's own trail.

Times are those of the server where the store is one, so that clocks that differ do no harm; of this machine for a file.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, Engine, RowMapping, func, insert, or_, select, text, update

from agent.store.engine import writing
from agent.store.tables import jobs

__all__ = ["Job", "JobState", "Queue", "Wish"]

JobState = Literal["waiting", "leased", "ended", "doubt", "cancelled"]
"""ended: its run has ended, see `outcome`. doubt: it may have taken effect, and nobody can tell: a person must look."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done."""

    key: str
    """Equal for the same undertaking."""
    name: str
    words: Sequence[str]
    """The arguments of `agent` for a first run; `--json` and `--runs` are added."""
    inputs: Mapping[str, str]
    retries: int = 2


@dataclass(frozen=True, slots=True)
class Job:
    """One item."""

    id: str
    n: int
    key: str
    name: str
    words: tuple[str, ...]
    inputs: dict[str, str]
    root: str
    retries: int
    made_at: float
    not_before: float
    state: JobState
    tries: int
    """Processes started for it that broke."""
    holder: str
    machine: str
    """Where a process was started for it; empty: nowhere yet."""
    lease: int
    lease_until: float
    begun_at: float | None
    cancel_by: str
    run: str
    outcome: str
    detail: str
    outputs: dict[str, Any] = field(default_factory=dict)
    ended_at: float | None = None


class Queue:
    """The table of items, on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, wishes: Sequence[Wish], roots: str, again: bool = False) -> list[Job | None]:
        """Put items at the end, all or none. None in place of one that is there already, unless `again`.

        `roots` is the folder in which each gets a folder of its own for its runs.
        """
        made: list[str | None] = []
        with writing(self._engine) as connection:
            self._alone(connection)
            last = connection.execute(select(func.max(jobs.c.n))).scalar() or 0
            there = set(connection.execute(select(jobs.c.key).where(jobs.c.state != "cancelled")).scalars())
            now = self._now(connection)
            for wish in wishes:
                if wish.key in there and not again:
                    made.append(None)
                    continue
                there.add(wish.key)
                last += 1
                made.append(self._put(connection, wish, roots, last, now))
        return [self.get(one) if one else None for one in made]

    def _put(self, connection: Connection, wish: Wish, roots: str, n: int, now: float) -> str:
        job = secrets.token_hex(4)
        told = {"words": json.dumps([*wish.words]), "inputs": json.dumps(dict(wish.inputs), ensure_ascii=False)}
        named = {"id": job, "n": n, "key": wish.key, "name": wish.name, "root": f"{roots}/{job}"}
        connection.execute(insert(jobs).values(**named, **told, retries=wish.retries, made_at=now, state="waiting"))
        return job

    def get(self, job: str) -> Job | None:
        """An item by its id, or the beginning of one that is no other's."""
        wanted = select(jobs).where(jobs.c.id.startswith(job, autoescape=True)).limit(2)
        with self._engine.connect() as connection:
            rows = connection.execute(wanted).mappings().all()
        return _job(rows[0]) if len(rows) == 1 else None

    def listed(self, states: Sequence[JobState] = (), limit: int = 100_000) -> list[Job]:
        """In the order in which they are taken."""
        wanted = select(jobs).order_by(jobs.c.n).limit(limit)
        if states:
            wanted = wanted.where(jobs.c.state.in_(states))
        with self._engine.connect() as connection:
            return [_job(row) for row in connection.execute(wanted).mappings().all()]

    def cancel(self, job: str, by: str) -> JobState | None:
        """Take an item back; one that is being done is stopped by its worker. What it is now; None for no such item."""
        with writing(self._engine) as connection:
            waiting = (jobs.c.id == job) & (jobs.c.state == "waiting")
            over = {"state": "cancelled", "cancel_by": by, "ended_at": self._now(connection)}
            if not connection.execute(update(jobs).where(waiting).values(**over)).rowcount:
                leased = (jobs.c.id == job) & (jobs.c.state == "leased")
                connection.execute(update(jobs).where(leased).values(cancel_by=by))
            found: JobState | None = connection.execute(select(jobs.c.state).where(jobs.c.id == job)).scalar()
        return found

    # for workers

    def take(self, holder: str, here: str, lease_s: float, foreign_s: float = 600.0) -> Job | None:
        """Lease the first item that may be taken: one that waits, or one whose holder let its lease run out.

        An item that was begun on another machine than `here` is left to that machine for `foreign_s` more.
        """
        with writing(self._engine) as connection:
            now = self._now(connection)
            out = jobs.c.lease_until < now
            near = or_(jobs.c.begun_at.is_(None), jobs.c.machine == here, jobs.c.lease_until < now - foreign_s)
            free = (jobs.c.state == "waiting") & (jobs.c.not_before <= now)
            wanted = select(jobs.c.id).where(or_(free, (jobs.c.state == "leased") & out) & near)
            wanted = wanted.order_by(jobs.c.n).limit(1).with_for_update(skip_locked=True)  # SQLite leaves that out
            job = connection.execute(wanted).scalar()
            if job is None:
                return None
            mine = {"state": "leased", "holder": holder, "lease": jobs.c.lease + 1, "lease_until": now + lease_s}
            connection.execute(update(jobs).where(jobs.c.id == job).values(**mine))
            row = connection.execute(select(jobs).where(jobs.c.id == job)).mappings().one()
        return _job(row)

    def beat(self, job: Job, lease_s: float) -> Job | None:
        """Renew a lease. None where it is lost: nothing more may be done for the item."""
        return self._changed(job, lambda now: {"lease_until": now + lease_s})

    def begin(self, job: Job, here: str) -> Job | None:
        """Write down that a process is about to be started for it. None where the lease is lost."""
        return self._changed(job, lambda now: {"begun_at": func.coalesce(jobs.c.begun_at, now), "machine": here})

    def put_back(self, job: Job, in_s: float, detail: str, tried: bool) -> bool:
        """Let it wait for another try; `tried` counts this one. False where the lease is lost."""
        tries = job.tries + tried
        told = {"state": "waiting", "tries": tries, "detail": detail[:1000], "holder": "", "lease_until": 0.0}
        return self._changed(job, lambda now: {**told, "not_before": now + in_s}) is not None

    def finish(self, job: Job, state: JobState, told: Mapping[str, Any]) -> bool:
        """It is over. `told` is what the run's last line says. False where the lease is lost."""
        over = {
            "state": state,
            "run": str(told.get("run", ""))[:120],
            "outcome": str(told.get("outcome", ""))[:20],
            "detail": str(told.get("because", ""))[:1000],
            "outputs": json.dumps(told.get("outputs") or {}, ensure_ascii=False),
        }
        return self._changed(job, lambda now: {**over, "ended_at": now, "lease_until": 0.0}) is not None

    def _changed(self, job: Job, values: Any) -> Job | None:
        """Change an item if this lease of it still holds."""
        mine = (jobs.c.id == job.id) & (jobs.c.lease == job.lease) & (jobs.c.state == "leased")
        with writing(self._engine) as connection:
            if not connection.execute(update(jobs).where(mine).values(**values(self._now(connection)))).rowcount:
                return None
            row = connection.execute(select(jobs).where(jobs.c.id == job.id)).mappings().one()
        return _job(row)

    def _now(self, connection: Connection) -> float:
        if self._engine.dialect.name == "postgresql":
            return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
        return time.time()

    def _alone(self, connection: Connection) -> None:
        """One at a time that adds: what is there already is looked up before."""
        if self._engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7304513)"))


def _job(row: RowMapping) -> Job:
    told = dict(row)
    told["words"] = tuple(json.loads(told["words"]))
    told["inputs"], told["outputs"] = json.loads(told["inputs"]), json.loads(told["outputs"])
    return Job(**told)
