"""The store: one answer for each question, on SQLite and on a real PostgreSQL, whoever dies in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console_desk import Desk, pay, picture, typing
from postgres import Postgres, why_not

from agent.console.deciding import Wish, decide
from agent.store.approver import ConsoleApprover
from agent.store.keys import own_key, public_of, sign
from agent.store.listeners import Listening
from agent.store.people import Operator
from agent.store.requests import Lost
from agent.store.store import Store
from agent.store.where import StoreUnusable
from policies.approval import Answer

ADA = Operator("ada", "approver")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    if missing := why_not():
        pytest.skip(missing)
    with Postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shared.db"
    server: Postgres = request.getfixturevalue("server")
    return server.database()


def answered(store: Store, asking: Any, said: str = "approved", by: str = "ada") -> Lost | None:
    asked = store.requests.get(asking.id)
    assert asked is not None
    answer = Answer(asked.id, asked.run, asked.digest, said, by, time.time())  # type: ignore[arg-type]
    return store.requests.decide(answer, *sign(answer, own_key()), "console")


def test_many_who_answer_at_once_have_one_winner_and_everybody_hears_of_it(url: str) -> None:
    key = public_of(own_key())
    with Store(url, pool=20) as store, Listening(store.listeners, "console", key):
        desk = Desk(store, (key,))
        desk.run()
        for _ in range(3):
            asking = desk.ask(pay())
            lost: list[Lost | None] = []
            ready = threading.Barrier(6)

            def press(n: int, asking: Any = asking, lost: list[Any] = lost, ready: Any = ready) -> None:
                ready.wait()
                lost.append(answered(store, asking, ("approved", "denied")[n % 2], f"person-{n}"))

            threads = [threading.Thread(target=press, args=(n,)) for n in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            winner = store.requests.decided(asking.id)
            assert winner is not None and lost.count(None) == 1
            assert {one.why for one in lost if one} == {f"{winner.by} has decided it already"}
            assert (asking.came().answer, asking.came().by) == (winner.answer, winner.by)


def test_a_store_keeps_people_frames_and_links_alike(url: str) -> None:
    with Store(url) as store:
        store.people.put("ada", "approver", "long enough, this")
        assert store.people.by_password("ada", "long enough, this") == ADA
        assert store.people.by_password("ada", "something else") is None
        assert store.people.by_password("nobody", "") is None
        token = store.people.link(ADA)
        assert [store.people.by_link(token), store.people.by_link(token)] == [ADA, None]
        cookie, session = store.people.enter(ADA)
        assert store.people.session(cookie) == session and store.people.session("guess") is None
        desk = Desk(store, ())
        desk.run("run-1", png=picture())
        second = store.runs.show("run-1", picture("other"))
        found = store.runs.get("run-1")
        assert found is not None and found.frame == second
        assert store.runs.frame("run-1", second) == picture("other")
        assert [store.people.first_use("n-1"), store.people.first_use("n-1")] == [True, False]


def test_opening_it_from_many_places_at_once_makes_it_once(url: str) -> None:
    wrong: list[BaseException] = []

    def open_it() -> None:
        try:
            Store(url).close()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    from sqlalchemy import inspect

    from agent.store.tables import METADATA

    with Store(f"sqlite:///{tmp_path}/one.db") as store:
        found = inspect(store.engine)
        for table in METADATA.sorted_tables:
            columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
            assert columns == {column.name: column.nullable for column in table.columns}, table.name
            assert {i["name"] for i in found.get_indexes(table.name)} == {i.name for i in table.indexes}


def test_what_is_no_store_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file.db").write_bytes(b"this is no database, but it is long enough to be read as one" * 20)
    wrong = ("mysql://user:secret@host/name", "nothing", f"sqlite:///{tmp_path}/file.db", "sqlite:////proc/no/store.db")
    for url in (*wrong, "postgresql://user:secret@127.0.0.1:1/none"):
        with pytest.raises(StoreUnusable) as told:
            Store(url)
        assert "\n" not in str(told.value) and "secret" not in str(told.value)


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    from sqlalchemy import text

    from agent.store.engine import writing

    url = f"sqlite:///{tmp_path}/later.db"
    with Store(url) as store, writing(store.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnusable, match="later"):
        Store(url)


@pytest.mark.parametrize("policy", ["deny", "stop"])
def test_nobody_answers_in_time(desk: Desk, policy: str) -> None:
    desk.run()
    asking = desk.ask(pay(), wait_s=1.5, on_timeout=policy)
    assert asking.came(30).answer == "timeout"
    lost = answered(desk.store, asking)
    assert lost is not None and "time has run out" in lost.why


def test_a_question_that_waits_outlives_its_time_and_needs_nobody_who_listens(store: Store) -> None:
    desk = Desk(store, (public_of(own_key()),))
    desk.run()
    asking = desk.ask(pay(), wait_s=0.1, on_timeout="wait")
    time.sleep(0.5)
    assert asking.approval is None and answered(store, asking) is None
    assert asking.came().answer == "approved"


def test_without_anybody_who_listens_the_answer_is_no_at_once(store: Store) -> None:
    desk = Desk(store, (public_of(own_key()),))
    desk.run()
    began = time.monotonic()
    with Listening(store.listeners, "console", "0" * 64):  # one whose key is not on the list
        said = ConsoleApprover(store, desk.keys, "p" * 64, 60).ask(pay())
    assert said.answer == "nobody" and "nobody is listening" in said.by
    assert time.monotonic() - began < 30 and store.requests.waiting() == []


def test_a_run_that_is_lost_asks_nothing_any_more(store: Store, desk: Desk) -> None:
    from sqlalchemy import update

    from agent.store.engine import writing
    from agent.store.tables import runs

    desk.run()
    asking = desk.ask(pay())
    with writing(store.engine) as connection:
        connection.execute(update(runs).values(heartbeat=time.time() - 60))
    assert store.runs.lost() == ["run-1"] and store.requests.waiting() == []
    found = store.runs.get("run-1")
    assert found is not None and found.state == "lost"
    lost = answered(store, asking)
    assert lost is not None and "does not wait for it" in lost.why


KILLED = """
import os, sys, time
from agent.store.store import Store
from agent.store.keys import own_key, sign
from policies.approval import Answer
store = Store(sys.argv[1])
asked = store.requests.get(sys.argv[2])
answer = Answer(asked.id, asked.run, asked.digest, "approved", "ada", time.time())
print(store.requests.decide(answer, *sign(answer, own_key()), "console"), flush=True)
os.kill(os.getpid(), 9)
"""


def test_an_answer_survives_whoever_gave_it(url: str) -> None:
    """The console is killed the moment it has said yes; the run hears it all the same."""
    key = public_of(own_key())
    root = Path(__file__).parents[2]
    with Store(url, pool=10) as store, Listening(store.listeners, "console", key):
        desk = Desk(store, (key,))
        desk.run()
        asking = desk.ask(pay(), wait_s=100)
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, url, asking.id],
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert (killed.returncode, killed.stdout.strip()) == (-signal.SIGKILL, "None"), killed.stderr
        assert asking.came().answer == "approved"


def test_a_server_that_is_killed_loses_no_answer(server: Postgres) -> None:
    """The database is killed while a question stands, comes back, and the answer that was given still counts."""
    key = public_of(own_key())
    with Store(server.database(), pool=10) as store, Listening(store.listeners, "console", key):
        desk = Desk(store, (key,))
        desk.run()
        asking = desk.ask(typing(), wait_s=120)
        server.kill()
        time.sleep(0.5)
        assert asking.approval is None
        server.start()
        assert answered(store, asking) is None
        server.kill()
        server.start()
        assert asking.came(60).answer == "approved"
        decided = store.requests.decided(asking.id)
        assert decided is not None and decided.by == "ada"


def test_an_answer_that_is_known_to_stand_waits_for_the_store_as_long_as_the_person_had(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store goes away between the news that there is an answer and the answer itself."""
    from sqlalchemy.exc import OperationalError

    requests = desk.store.requests
    given, tries = requests.decided, iter(range(100))

    def away(request: str) -> Any:
        if next(tries) < 3:
            raise OperationalError("select", {}, OSError("gone"))
        return given(request)

    monkeypatch.setattr(requests, "decided", away)
    monkeypatch.setattr("agent.store.approver._AWAY_S", 0.0)
    desk.run()
    asking = desk.ask(pay(), wait_s=60)
    assert answered(desk.store, asking, "denied") is None
    assert asking.came(30).answer == "denied" and next(tries) >= 4


def test_who_may_answer_what_was_handed_on(store: Store, desk: Desk) -> None:
    from agent.console.doors import Refused

    desk.run()
    asking = desk.ask(pay())
    assert store.requests.escalate(asking.id, "ada", "bob", "please")
    asked = store.requests.get(asking.id)
    assert asked is not None
    with pytest.raises(Refused, match="assigned"):
        decide(store, own_key(), ADA, asked, Wish("approved", asked.digest), "console")
    decide(store, own_key(), Operator("zoe", "admin"), asked, Wish("denied", asked.digest), "console")
    assert asking.came().by == "zoe"


def test_answers_from_a_terminal(store: Store, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from agent.answering import Given, answer, pending

    desk.run()
    first, second = desk.ask(pay()), desk.ask(typing())
    assert pending(True, False) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {one["id"] for one in listed} == {first.id, second.id} and listed[0]["card"]["run"] == "run-1"
    assert pending(False, False) == 0
    assert "costs   89.00 EUR" in capsys.readouterr().out
    assert answer(Given(first.id[:10], "approved", for_run=True)) == 0
    assert answer(Given(second.id, "approved", value="100")) == 0
    assert (first.came().answer, first.came().grant_s) == ("approved", 900) and first.came().by.startswith("terminal:")
    assert second.came().value == "100"
    capsys.readouterr()
    assert answer(Given(first.id, "denied")) == 2
    assert "has decided" in capsys.readouterr().err
    assert answer(Given("zzzz", "denied")) == 2
    assert "no request waits" in capsys.readouterr().err


def test_the_key_is_made_once_and_only_its_owner_reads_it(home: Path) -> None:
    from agent.store.keys import trusted
    from agent.store.where import KeyUnusable

    first, again = public_of(own_key()), public_of(own_key())
    place = home / "config" / "approver.key"
    assert first == again and list(trusted()) == [first] and place.stat().st_mode & 0o777 == 0o600
    place.chmod(0o644)
    with pytest.raises(KeyUnusable, match="read by others"):
        own_key()
    (home / "config" / "approvers").write_text("not a key\n")
    with pytest.raises(KeyUnusable, match="line 1"):
        trusted()
