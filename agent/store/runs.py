"""Runs as the store knows them: that they live, what they do, what their screen shows, and that they are to stop."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, RowMapping, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from agent.store.engine import writing
from agent.store.tables import frames, hands, requests, runs

__all__ = ["LIVE_S", "Hand", "Run", "Runs"]

LIVE_S = 15.0
"""A run that says it goes on and has not been heard of for so long is taken for lost."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `state`: running, ended, or lost (it says that it goes on and is not heard of)."""

    id: str
    machine: str
    pid: int
    task: str
    goal: str
    folder: str
    state: str
    stage: str
    doing: str
    steps: int
    outcome: str
    detail: str
    started_at: float
    heartbeat: float
    ended_at: float | None
    stop_by: str
    driver: str
    frame: str
    broker_key: str


@dataclass(frozen=True, slots=True)
class Hand:
    """One act of a person who drives a run's surface."""

    n: int
    by: str
    action: str
    """JSON of one action, in screen pixels of the frame `seen`."""
    seen: str
    came_of_it: str | None = None


class Runs:
    """The table of runs, on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, run: str, told: Mapping[str, Any]) -> None:
        """A run starts. `told` fills machine, pid, task, goal, folder and broker_key."""
        now = time.time()
        with writing(self._engine) as connection:
            connection.execute(insert(runs).values(id=run, state="running", started_at=now, heartbeat=now, **told))

    def beat(self, run: str, stage: str = "", doing: str = "", steps: int = 0) -> Run | None:
        """The run lives. Returns what the store knows of it: whether somebody wants it to stop, or drives it."""
        with writing(self._engine) as connection:
            changed = {"heartbeat": time.time(), "stage": stage, "doing": doing[:400], "steps": steps}
            connection.execute(update(runs).where(runs.c.id == run).values(**changed))
        return self.get(run)

    def end(self, run: str, outcome: str, detail: str, steps: int) -> None:
        """It is over; what it still asked is withdrawn."""
        now = time.time()
        ended = {"state": "ended", "outcome": outcome, "detail": detail[:1000], "steps": steps, "ended_at": now}
        with writing(self._engine) as connection:
            connection.execute(update(runs).where(runs.c.id == run).values(heartbeat=now, driver="", **ended))
            _withdraw(connection, [run])

    def get(self, run: str) -> Run | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(runs).where(runs.c.id == run)).mappings().first()
        return _run(row) if row is not None else None

    def listed(self, limit: int = 500) -> list[Run]:
        """The newest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(runs).order_by(runs.c.started_at.desc()).limit(limit)).mappings().all()
        return [_run(row) for row in rows]

    def stop(self, run: str, by: str) -> bool:
        """Ask a run to stop; False where it does not go on. The first one who asks is on record."""
        wanted = update(runs).where(runs.c.id == run, runs.c.state == "running", runs.c.stop_by == "")
        with writing(self._engine) as connection:
            if connection.execute(wanted.values(stop_by=by)).rowcount:
                return True
            return connection.execute(select(runs.c.stop_by).where(runs.c.id == run)).scalar() not in (None, "")

    def lost(self) -> list[str]:
        """Runs that are not heard of any more; what they asked is withdrawn, since nobody would hear the answer."""
        gone = time.time() - LIVE_S
        with writing(self._engine) as connection:
            found = select(runs.c.id).where(runs.c.state == "running", runs.c.heartbeat < gone)
            names = list(connection.execute(found).scalars())
            if names:
                _withdraw(connection, names)
        return names

    # what its screen shows

    def show(self, run: str, png: bytes) -> str:
        """Keep a run's newest frame, and any that an open request shows. Returns its SHA-256."""
        digest = hashlib.sha256(png).hexdigest()
        kind = sqlite if self._engine.dialect.name == "sqlite" else postgresql
        put = kind.insert(frames).values(run=run, sha256=digest, png=png, at=time.time()).on_conflict_do_nothing()
        open_now = (requests.c.run == run) & (requests.c.state == "open")
        with writing(self._engine) as connection:
            connection.execute(put)
            connection.execute(update(runs).where(runs.c.id == run).values(frame=digest))
            connection.execute(update(requests).where(open_now, requests.c.frame == "").values(frame=digest))
            shown = select(requests.c.frame).where(requests.c.run == run)
            old = (frames.c.run == run) & (frames.c.sha256 != digest) & frames.c.sha256.not_in(shown)
            connection.execute(delete(frames).where(old))
        return digest

    def frame(self, run: str, digest: str) -> bytes | None:
        """The PNG, where it is still kept."""
        wanted = select(frames.c.png).where(frames.c.run == run, frames.c.sha256 == digest)
        with self._engine.connect() as connection:
            found = connection.execute(wanted).scalar()
        return bytes(found) if found is not None else None

    # a person at the wheel

    def drive(self, run: str, by: str, release: bool = False) -> bool:
        """Take a run's surface over, or give it back. False where somebody else has it or it does not go on."""
        held, driver = (by, "") if release else ("", by)
        wanted = update(runs).where(runs.c.id == run, runs.c.state == "running", runs.c.driver == held)
        with writing(self._engine) as connection:
            return bool(connection.execute(wanted.values(driver=driver)).rowcount)

    def put_hand(self, run: str, by: str, action: str, seen: str) -> int | None:
        """One act of the person who drives; None where that is not them."""
        with writing(self._engine) as connection:
            if connection.execute(select(runs.c.driver).where(runs.c.id == run)).scalar() != by or not by:
                return None
            made = insert(hands).values(run=run, by=by, at=time.time(), action=action, seen=seen)
            key = connection.execute(made).inserted_primary_key
        return int(key[0]) if key else None

    def next_hand(self, run: str) -> Hand | None:
        """The oldest act that is not done yet."""
        wanted = select(hands).where(hands.c.run == run, hands.c.came_of_it.is_(None)).order_by(hands.c.n).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(wanted).mappings().first()
        return Hand(row["n"], row["by"], row["action"], row["seen"]) if row is not None else None

    def hand_done(self, n: int, came_of_it: str) -> None:
        with writing(self._engine) as connection:
            connection.execute(update(hands).where(hands.c.n == n).values(came_of_it=came_of_it[:400]))

    def hands(self, run: str, limit: int = 20) -> Sequence[Hand]:
        """What people did on it, the newest first."""
        wanted = select(hands).where(hands.c.run == run).order_by(hands.c.n.desc()).limit(limit)
        with self._engine.connect() as connection:
            rows = connection.execute(wanted).mappings().all()
        return [Hand(row["n"], row["by"], row["action"], row["seen"], row["came_of_it"]) for row in rows]


def _withdraw(connection: Any, names: Sequence[str]) -> None:
    found = requests.c.run.in_(names) & (requests.c.state == "open")
    connection.execute(update(requests).where(found).values(state="withdrawn"))


def _run(row: RowMapping) -> Run:
    told = dict(row)
    if told["state"] == "running" and told["heartbeat"] < time.time() - LIVE_S:
        told["state"] = "lost"
    return Run(**told)
