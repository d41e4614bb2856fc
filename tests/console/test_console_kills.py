"""Many questions, many runs, and the ends of things in the middle: no answer is lost, and none is applied twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from console_desk import Serve, pay
from postgres import Postgres, why_not
from sqlalchemy.exc import SQLAlchemyError

from agent.bench_console import _all_asked, _measured, _workers
from agent.console.deciding import Wish, decide
from agent.console.doors import Refused
from agent.store.keys import own_key, public_of
from agent.store.listeners import Listening
from agent.store.people import Operator
from agent.store.store import Store

ADA = Operator("ada", "approver")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def server() -> Iterator[Postgres]:
    if missing := why_not():
        pytest.skip(missing)
    with Postgres() as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_thousand_questions_and_two_hundred_runs(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/many.db" if kind == "sqlite" else request.getfixturevalue("server").database()
    found = _measured(200, 1000, url)
    print(found)
    assert (found["lost"], found["twice"], found["still standing"]) == (0, 0, 800)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_database_that_is_killed_in_the_middle_of_many_answers_loses_none(server: Postgres) -> None:
    """Forty runs wait; the server dies twice while they are answered. Whoever answers tries again until they are told
    that it counts; every run hears exactly what was said to it, once."""
    url, key, runs = server.database(), own_key(), 40
    with Store(url, pool=5) as store, Listening(store.listeners, "console", public_of(key)):
        workers = _workers(runs, url)
        try:
            asked = _all_asked(store, runs, runs)
            said: dict[str, str] = {}
            for n, one in enumerate(asked):
                said[one.run] = ("approved", "denied")[n % 2]
                if n in (10, 25):
                    killer = threading.Thread(target=_struck, args=(server,))
                    killer.start()
                assert _told(store, key, one, said[one.run])
            killer.join()
            heard = [json.loads(line) for one in workers for line in one.communicate(timeout=240)[0].splitlines()]
        finally:
            for one in workers:
                one.kill()
                one.wait()
    assert sorted(name for name, _, _ in heard) == sorted(said), "one was lost or came twice"
    assert {name: answer for name, answer, _ in heard} == said


def _struck(server: Postgres) -> None:
    server.kill()
    time.sleep(1.0)
    server.start()


def _told(store: Store, key: Any, asked: Any, answer: Any) -> bool:
    """Answer until it counts; whether ours is the one that does."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            decide(store, key, ADA, asked, Wish(answer, asked.digest), "console")
            return True
        except Refused:  # an earlier try of ours got through, and its success did not
            found = store.requests.decided(asked.id)
            return found is not None and found.answer == answer
        except SQLAlchemyError:
            time.sleep(0.2)
    return False


def test_a_store_that_is_away_is_said_to_be_and_nothing_is_decided(serve: Serve, desk: Any) -> None:
    from sqlalchemy import event

    console = serve()
    desk.run()
    asking = desk.ask(pay())
    client = console.client("ada")
    asked = console.store.requests.get(asking.id)
    assert asked is not None
    told = {"csrf": client.csrf(), "digest": asked.digest, "verb": "approve"}
    broken = threading.get_ident()

    def gone(*given: Any) -> None:
        if threading.get_ident() != broken and not isinstance(threading.current_thread(), type(asking)):
            raise SQLAlchemyError("the server closed the connection")

    event.listen(console.store.engine, "before_cursor_execute", gone)
    try:
        for found in (client.post(f"/requests/{asking.id}/answer", **told), client.get("/waiting")):
            assert found.status_code == 503 and "store does not answer" in found.text
            assert found.headers["retry-after"] == "5" and "content-security-policy" in found.headers
    finally:
        event.remove(console.store.engine, "before_cursor_execute", gone)
    assert console.store.requests.state(asking.id) == "open"
    assert client.post(f"/requests/{asking.id}/answer", **told).status_code == 303
    assert asking.came().answer == "approved"


ASKS = """
import sys
from pathlib import Path
from console_desk import pay
from agent.run_folder import RunFolder
from agent.store.approver import ConsoleApprover
from agent.store.keys import trusted
from agent.store.presence import Presence
from agent.store.store import Store
import threading
folder = RunFolder.create(Path(sys.argv[2]), "asks")
with Presence(sys.argv[1], folder, {"task": "asks", "goal": ""}, threading.Event(), lambda: None, "") as presence:
    with Store(sys.argv[1]) as store:
        print(folder.id, flush=True)
        print(ConsoleApprover(store, trusted(), "p" * 64, 600).ask(pay(folder.id)), flush=True)
"""


@pytest.mark.slow
def test_a_run_that_is_killed_at_its_question_asks_no_more_and_an_answer_to_it_counts_nothing(
    serve: Serve, store: Store, tmp_path: Path
) -> None:
    """Nobody tells the console: it hears no more of the run, and withdraws what it asked within half a minute."""
    console, url = serve(), str(store.engine.url)
    with Listening(store.listeners, "console", public_of(own_key())):
        path = os.pathsep.join((str(ROOT), str(Path(__file__).parent)))
        child = subprocess.Popen(
            [sys.executable, "-c", ASKS, url, str(tmp_path / "asking")],
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert child.stdout is not None
            name = child.stdout.readline().strip()
            until = time.monotonic() + 60
            while not (waiting := store.requests.waiting(run=name)) and time.monotonic() < until:
                time.sleep(0.1)
            [asked] = waiting
            child.send_signal(signal.SIGKILL)
            child.wait(30)
            while store.requests.state(asked.id) == "open" and time.monotonic() < until + 60:
                time.sleep(0.5)
            assert store.requests.state(asked.id) == "withdrawn"
            with pytest.raises(Refused, match="does not wait for it"):
                decide(store, own_key(), ADA, asked, Wish("approved", asked.digest), "console")
            assert store.requests.decided(asked.id) is None and child.stdout.read() == ""
            client = console.client("ada")
            assert "Nothing waits" in client.get("/waiting").text and "lost" in client.get(f"/runs/{name}").text
        finally:
            with suppress(ProcessLookupError):
                child.kill()
            child.wait()
