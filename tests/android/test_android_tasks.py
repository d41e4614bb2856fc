"""Whole tasks on the virtual phone: what the runtime says is compared with what the phone really holds."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from phone_runs import TASKS, run_task

from agent.audit.verify import verify
from agent.run import Options, Ran, run_bound
from agent.task import load_task
from agent.watch import Silent
from tests.android.phone.contacts_app import Contacts
from tests.android.phone.messages_app import Messages
from tests.android.phone.running import Served
from tests.android.phone.shop_app import Shop

pytestmark = pytest.mark.android

Play = Callable[..., Ran]


@pytest.fixture
def play(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """One task, in this process, with the plan's oracle and nobody to ask."""

    def run(name: str, env: dict[str, str] | None = None, **sets: str) -> Ran:
        monkeypatch.setenv("ANDROID_SERIAL", served.address)
        for key, value in (env or {}).items():
            monkeypatch.setenv(key, value)
        task = load_task(TASKS / f"{name}.yaml", sets).bind()
        options = Options(TASKS / f"{name}.yaml", approve="deny", model="plan", runs=tmp_path, again=True)
        assert threading.current_thread() is threading.main_thread()
        return run_bound(task, options, Silent())

    return run


def verified(ran: Ran) -> None:
    assert ran.ending.outcome == "verified", ran.ending.because
    assert ran.folder is not None
    told = verify(ran.folder.path)
    assert told.ok and told.closed and not told.unknown_effect


def test_switches_are_switched(served: Served, play: Play) -> None:
    verified(play("switch_on_bluetooth"))
    known = served.phone.settings["global"]
    assert (known["bluetooth_on"], known["wifi_on"]) == ("1", "0")


def test_a_contact_is_written_as_it_was_spelt(served: Served, play: Play) -> None:
    verified(play("new_contact"))
    made = served.phone.apps[Contacts.package].known[-1]
    assert (made.name, made.number) == ("Zoë 山田-O'Brien", "+41 44 668 18 00")
    assert made.notes == 'Likes tea & "cake" 🍰; $5 a slice'


def test_somebody_is_looked_up(play: Play) -> None:
    ran = play("find_contact")
    verified(ran)
    assert ran.ending.outputs["number"] == "+33 1 42 68 53 00"


@pytest.mark.slow
def test_the_screen_is_turned_and_a_list_scrolled(served: Served, play: Play) -> None:
    verified(play("turn_and_scroll"))
    assert served.phone.rotation == 1


def test_a_password_reaches_its_field_and_nothing_else(served: Served, play: Play) -> None:
    ran = play("sign_in", {"DEMO_SHOP": Shop.password})
    verified(ran)
    assert served.phone.apps[Shop.package].signed_in == "ada@example.org"
    assert ran.folder is not None
    texts = [file.read_bytes().decode("utf-8", "replace") for file in ran.folder.path.rglob("*") if file.is_file()]
    assert Shop.password not in "".join(texts)
    assert json.dumps(Shop.password)[1:-1] not in "".join(texts)


def test_a_message_is_asked_about_and_nobody_means_no(served: Served, play: Play) -> None:
    ran = play("send_message")
    assert ran.ending.outcome == "denied" and "nobody was there to ask" in ran.ending.because
    assert served.phone.apps[Messages.package].sent == []


def test_a_purchase_is_asked_about_and_nobody_means_no(served: Served, play: Play) -> None:
    ran = play("buy_teapot")
    assert ran.ending.outcome == "denied" and "phone/buys" not in ran.ending.because
    assert "buys something" in ran.ending.because and served.phone.apps[Shop.package].orders == []


@pytest.mark.slow
def test_what_is_dearer_than_the_limit_is_refused_unasked(served: Served, play: Play) -> None:
    ran = play("buy_teapot", thing="Headphones")
    assert ran.ending.outcome == "denied" and "nobody was there to ask" not in ran.ending.because
    assert served.phone.apps[Shop.package].orders == []


@pytest.mark.parametrize(
    ("answer", "outcome"), [("y", "verified"), pytest.param("n", "denied", marks=pytest.mark.slow)]
)
def test_a_message_goes_out_when_a_person_says_yes(served: Served, tmp_path: Path, answer: str, outcome: str) -> None:
    ended = run_task("send_message", tmp_path, answer=answer, ANDROID_SERIAL=served.address)
    assert ended.outcome == outcome, ended.out[-800:]
    expected = [("Ada Lovelace", "See you at eight ☕")] if answer == "y" else []
    assert served.phone.apps[Messages.package].sent == expected
    assert ended.verdict.ok


@pytest.mark.slow
def test_a_purchase_happens_once_when_a_person_says_yes(served: Served, tmp_path: Path) -> None:
    ended = run_task("buy_teapot", tmp_path, answer="y", ANDROID_SERIAL=served.address)
    assert ended.outcome == "verified", ended.out[-800:]
    assert served.phone.apps[Shop.package].orders == [(("Teapot, cast iron",), 2490, "")]
    assert (ended.last["outputs"]["order"], ended.last["outputs"]["paid"]["minor"]) == ("CS-4712", 2490)
