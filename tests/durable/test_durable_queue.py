"""The queue: each item has one holder, whoever dies; on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.run_folder import RunFolder, RunRecord
from agent.store.queue import Job, Wish
from agent.store.store import Store
from agent.work import Next, Worker, next_for

sys.path.append(str(Path(__file__).parents[1] / "console"))
from postgres import Postgres, why_not


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    if missing := why_not():
        pytest.skip(missing)
    with Postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/queue.db"
    server: Postgres = request.getfixturevalue("server")
    return server.database()


def wish(n: int) -> Wish:
    return Wish(f"{n:064x}", "order", ["run", "order.yaml"], {"name": f"N{n}"})


def test_many_workers_take_each_item_once(url: str, tmp_path: Path) -> None:
    with Store(url, pool=12) as store:
        assert all(store.queue.add([wish(n) for n in range(40)], str(tmp_path)))
        taken: list[str] = []

        def take(name: str) -> None:
            while job := store.queue.take(name, "here", 60):
                taken.append(job.id)

        threads = [threading.Thread(target=take, args=(f"w{n}",)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(taken) == len(set(taken)) == 40
        assert {job.state for job in store.queue.listed()} == {"leased"}


def test_a_holder_that_lost_its_lease_can_write_nothing_more(url: str, tmp_path: Path) -> None:
    with Store(url) as store:
        queue = store.queue
        queue.add([wish(1)], str(tmp_path))
        dead = queue.take("dead", "here", 0.01)
        time.sleep(0.05)
        other = queue.take("other", "here", 60)
        assert dead is not None and other is not None and other.id == dead.id and other.lease == dead.lease + 1
        assert queue.beat(dead, 60) is None and not queue.finish(dead, "ended", {"outcome": "verified"})
        assert not queue.put_back(dead, 0, "", True) and queue.begin(dead, "here") is None
        assert queue.finish(other, "ended", {"outcome": "verified", "outputs": {"number": "N1"}})
        found = queue.get(other.id[:4])
        assert found is not None and (found.state, found.outputs) == ("ended", {"number": "N1"})
        assert not queue.finish(other, "ended", {"outcome": "error"})


def test_what_is_there_already_is_added_only_when_asked(url: str, tmp_path: Path) -> None:
    with Store(url) as store:
        assert [bool(one) for one in store.queue.add([wish(1), wish(1), wish(2)], str(tmp_path))] == [True, False, True]
        assert [bool(one) for one in store.queue.add([wish(1)], str(tmp_path))] == [False]
        [first, *_] = store.queue.listed()
        assert store.queue.cancel(first.id, "ada") == "cancelled"
        assert all(store.queue.add([wish(1)], str(tmp_path))) and all(store.queue.add([wish(1)], str(tmp_path), True))


def test_an_item_begun_elsewhere_is_left_to_that_machine_for_a_while(url: str, tmp_path: Path) -> None:
    with Store(url) as store:
        store.queue.add([wish(1)], str(tmp_path))
        there = store.queue.take("w", "there", 0.01)
        assert there is not None
        begun = store.queue.begin(there, "there")
        assert begun is not None and begun.begun_at is not None
        time.sleep(0.05)
        assert store.queue.take("w", "here", 60) is None
        late = store.queue.take("w", "here", 60, foreign_s=0.0)
        assert late is not None and next_for(late, "here").doubt.startswith("it was begun on there")


def job(tmp_path: Path, **more: Any) -> Job:
    told = {"id": "a", "n": 1, "key": "k", "name": "order", "words": ("run", "t.yaml"), "inputs": {}, "root": str(tmp_path),
            "retries": 2, "made_at": 0.0, "not_before": 0.0, "state": "leased", "tries": 0, "holder": "w", "machine": "here",
            "lease": 1, "lease_until": 0.0, "begun_at": 1.0, "cancel_by": "", "run": "", "outcome": "", "detail": ""}  # fmt: skip
    return Job(**{**told, **more})


def left(root: Path, outcome: Any, detail: str = "") -> RunFolder:
    folder = RunFolder.create(root, "order")
    folder.journal.write_text("")
    state = "ended" if outcome else "running"
    folder.write_run(
        RunRecord(id=folder.id, task="order", started_at=1.0, status=state, outcome=outcome, detail=detail)
    )
    return folder


def test_what_is_left_of_an_item_decides_what_is_done_about_it(tmp_path: Path) -> None:
    assert next_for(job(tmp_path), "here") == Next(words=("run", "t.yaml"))
    verified = left(tmp_path / "a", "verified")
    assert next_for(job(tmp_path / "a"), "here").over["run"] == verified.id
    left(tmp_path / "b", "denied", "no rule")
    assert next_for(job(tmp_path / "b"), "here").over["outcome"] == "denied"
    left(tmp_path / "c", None)
    assert "does not hold" in next_for(job(tmp_path / "c"), "here").doubt, "an empty trail is no trail"
    (tmp_path / "c" / "begun").touch()
    assert "may still go on, on there" in next_for(job(tmp_path / "c", machine="there"), "here").doubt
    assert next_for(replace(job(tmp_path / "d"), machine="there"), "here").doubt
    left(tmp_path / "e", "halted", "the limit of 3 steps was reached")
    assert next_for(job(tmp_path / "e"), "here").over["outcome"] == "halted"


def test_a_worker_says_what_became_of_items_that_need_no_process(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/q.db") as store:
        [one, two] = store.queue.add([wish(1), wish(2)], str(tmp_path / "queue"))
        assert one is not None and two is not None
        left(Path(one.root), "verified")
        left(Path(two.root), None)
        worker = Worker(store, 1)
        worker.run(once=True)
        assert [found.state for found in store.queue.listed()] == ["ended", "doubt"] and worker.code() == 40
