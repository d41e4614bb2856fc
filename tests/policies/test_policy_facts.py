"""Who gets it, which files, when, how fast, where a drag lets go: facts that a rule can judge, each by an own rule."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from policy_cases import AIR, case, field, form, narrow, node, pay, seen, target

from actuators.action import Drag, TypeText
from actuators.geometry import Point
from policies.approver import DenyApprover
from policies.broker import Broker
from policies.decide import PolicySet, preset_text
from policies.files import files_of, within
from policies.gate import Gate
from policies.keeper import Keeper
from policies.recipients import addresses, among, is_receiver, mailed
from policies.request import Counters, request_of
from policies.scene import scene_of
from policies.sent import sent_of
from policies.wire import case_from, case_to, sent_from, sent_to
from sandboxes.wire import Held

ALL = '@id("all") @because("b") permit (principal, action, resource);'
NOON = 1_796_040_000.0
"""A Monday, 2026-11-30 at 12:00 UTC."""


def verdict(condition: str, one: Any, counters: Counters | None = None, **limits: Any) -> str:
    from policies.consequence import judge

    rule = f'@id("no") @because("b") forbid (principal, action, resource) when {{ {condition} }};'
    policies = PolicySet([{"all": ALL, "no": rule, "house": preset_text("house")}], narrow(**limits))
    given = counters or Counters(now=NOON)
    request = request_of(one, judge(one.action, one.target, one.scene), given, policies.narrow)
    decision = policies.decide(request)
    assert not decision.errors, decision
    return decision.verdict


FILLED = target(field(value="Ada", name="First name"), window="Mail - Ada")
DRAG = case(
    target(node("listitem", "a"), drop=node("listitem", "Trash", id="2")),
    action=Drag(start=Point(1, 1), end=Point(2, 2)),
)
UPLOAD = case(target(field()), action=TypeText(text="/home/a/x"), files=("/home/a/x",))


@pytest.mark.parametrize(
    ("condition", "one", "counters"),
    [
        ('resource.value == "Ada"', case(FILLED), None),
        ('resource.window like "Mail*"', case(FILLED), None),
        ('context has drop && context.drop.name == "Trash"', DRAG, None),
        ('context.files.contains("/home/a/x")', UPLOAD, None),
        ("context.hour < 25 && context.weekday >= 1", case(pay()), None),
        ('context.now > datetime("2026-11-30") && context.now < datetime("2026-12-01")', case(pay()), None),
        ('context.now.toTime() >= duration("12h")', case(pay()), None),
        ("context.recent >= 5", case(pay()), Counters(recent=5, now=NOON)),
        ("context.sends > 2", case(pay()), Counters(sends=3, now=NOON)),
    ],
)
def test_each_fact_can_be_judged(condition: str, one: Any, counters: Counters | None) -> None:
    assert verdict(condition, one, counters) == "deny"
    assert verdict(f"!({condition})", one, counters) == "allow"


def test_what_stands_in_a_secret_field_is_no_fact() -> None:
    shown = target(field(value="4929", autocomplete="cc-number"), secret_field=True)
    assert verdict('resource.value == ""', case(shown)) == "deny"


def test_only_a_drag_has_a_place_where_it_lets_go() -> None:
    assert verdict("context has drop", case(pay())) == "allow"


# ---------------------------------------------------------------- receivers


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *[(one, True) for one in ("To", "To:", "Cc", "Empfänger *", "À", "Payee name", "Recipient (required)")],
        *[(one, False) for one in ("Tomorrow", "Today", "Subject", "")],
    ],
)
def test_a_field_for_a_receiver_is_known_by_its_name(name: str, is_one: bool) -> None:
    assert is_receiver(name) is is_one


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ada <ADA@Example.org>; bob@example.org", ("ada@example.org", "bob@example.org")),
        ("ada@example.org, ada@example.org", ("ada@example.org",)),
        ("CH93 0076 2011 6238 5295 7", ("ch9300762011623852957",)),
        ("ａda@example.org", ("ada@example.org",)),
        (" ; ", ()),
    ],
)
def test_receivers_have_one_writing(text: str, found: tuple[str, ...]) -> None:
    assert addresses(text) == found


def test_a_mail_link_names_its_receivers() -> None:
    assert mailed("mailto:ada@example.org?cc=Bob%40example.org&subject=x") == ("ada@example.org", "bob@example.org")
    assert mailed("https://example.org/?to=ada@example.org") == ()


@pytest.mark.parametrize(
    ("found", "allowed", "fine"),
    [
        ("ada@example.org", ["ada@example.org"], True),
        ("ada@example.org", ["*@example.org"], True),
        ("ada@example.org", ["*"], False),
        ("ada@evil.example@example.org", ["ada@*"], False),
        ("ada@example.org.evil.example", ["*@example.org"], False),
        ("eve@evil.example", ["*@example.org", "ada@example.org"], False),
        ("ch9300", ["CH9300"], True),
    ],
)
def test_whom_a_run_may_reach(found: str, allowed: list[str], fine: bool) -> None:
    assert among([found], allowed) is fine


def mail(to: str, form_: bool = True) -> Any:
    where = {"form": form(f"{AIR}/send")} if form_ else {}
    button, receiver = node("button", "Send", submits=form_, **where), field(name="To", value=to, id="2", **where)
    return case(target(button), scene=scene_of(target(button), seen(button, receiver)))


@pytest.mark.parametrize("form_", [True, False])
def test_a_message_goes_only_to_whom_the_run_may_reach(form_: bool) -> None:
    limits = {"recipients": ["*@example.org"]}
    assert verdict("false", mail("ada@example.org", form_), **limits) == "allow"
    for other in ("eve@evil.example", "ada@example.org, eve@evil.example", ""):
        assert verdict("false", mail(other, form_), **limits) == "deny", "and one that cannot be told is none of them"
    assert verdict("false", mail("eve@evil.example", form_)) == "allow", "nobody is named"


def posted(to: str) -> Any:
    shape = "application/x-www-form-urlencoded"
    return sent_of(Held(f"{AIR}/send", "POST", "xhr", AIR, f"to={to}&text=hi".encode(), True, shape))


def test_a_request_to_somebody_else_than_the_act_named_is_not_covered() -> None:
    class Yes:
        def ask(self, question: Any) -> Any:
            from policies.decision import Approval

            return question.answered(Approval("approved", "test"))

    own = Keeper("run", PolicySet.load(["sandbox"], narrow()), Yes())  # type: ignore[arg-type]
    assert own.clear(mail("ada@example.org")).permit is not None
    told = own.send(posted("eve@evil.example"))
    assert told.facts["uncovered"] == "it is for eve@evil.example, whom the act before it did not name"
    assert own.send(posted("ada@example.org")).facts["uncovered"] == ""


def test_a_request_is_held_to_the_same_receivers() -> None:
    limits = narrow(recipients=["*@example.org"], max_buys=5)
    own = Keeper("run", PolicySet.load(["sandbox"], limits), DenyApprover())
    assert own.send(posted("eve@evil.example")).decision.rules == ("house/somebody-else",)
    assert own.send(posted("ada@example.org")).released


# ---------------------------------------------------------------- files


def test_files_are_known_by_their_real_paths(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.txt").write_text("x")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out.txt")
    (tmp_path / "in" / "own.txt").write_text("x")
    real = str(tmp_path.resolve())

    def named(text: str, *uploads: Path) -> tuple[str, ...]:
        return files_of(TypeText(text=text), uploads)

    assert named(f"{tmp_path}/in/link") == named(f"{tmp_path}/in/../out.txt") == (f"{real}/out.txt",)
    assert named(f"file://{tmp_path}/in/own%2Etxt") == (f"{real}/in/own.txt",)
    assert named("own.txt") == () and named("own.txt", tmp_path / "in" / "own.txt") == (f"{real}/in/own.txt",)
    assert named("link", tmp_path / "in" / "link") == (f"{real}/out.txt",)
    assert named("1/2 cup") == named("and/or") == named("") == ()
    assert named("~/x") == (str(Path.home().resolve() / "x"),) and named("~nobody-here/x\0") != ()
    assert within([f"{real}/in/own.txt"], [f"{tmp_path}/in"]) and not within([f"{real}/out.txt"], [f"{tmp_path}/in"])
    assert not within([f"{real}/inner"], [f"{tmp_path}/in"]) and within([], []) and within(["/x"], None)


def test_only_the_runs_own_files_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    limits = {"files": [str(tmp_path / "mine")]}
    for name, said in (("mine/a.txt", "allow"), ("mine/../other.txt", "deny"), ("minerals", "deny")):
        text = f"{tmp_path}/{name}"
        one = case(target(field()), action=TypeText(text=text), files=files_of(TypeText(text=text)))
        assert verdict("false", one, **limits) == said, name


def test_the_gate_finds_the_files_by_itself(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("x")
    limits = narrow(files=[str(tmp_path / "elsewhere")])
    with Broker("run", ["booking"], limits) as broker:
        gate = Gate(broker, [tmp_path / "a.pdf"])
        told = gate.clear(1, TypeText(text="a.pdf"), target(field(focused=True)), seen())
    assert told.decision.rules == ("house/file-elsewhere",)
    assert told.facts["context"]["files"] == [str((tmp_path / "a.pdf").resolve())]


# ---------------------------------------------------------------- limits and travel


def test_two_lists_meet_where_both_allow() -> None:
    mine, theirs = narrow(recipients=["*@a.org", "eve@b.org"]), narrow(recipients=["ada@a.org", "*@c.org"])
    assert mine.meet(theirs).recipients == theirs.meet(mine).recipients == ("ada@a.org",)
    files = narrow(files=["/srv/a", "/home"]).meet(narrow(files=["/srv", "/home/ada"])).files
    assert sorted(files or ()) == ["/home/ada", "/srv/a"]
    digests = {PolicySet.load(["booking"], one).digest for one in (mine, theirs, narrow(), narrow(files=["/srv"]))}
    assert len(digests) == 4


def test_the_facts_travel_to_the_broker() -> None:
    one = case(DRAG.target, action=DRAG.action, files=("/a",), scene=mail("ada@example.org").scene)
    assert case_from(case_to(one)) == one
    assert sent_from(sent_to(posted("ada@example.org"))).recipients == ("ada@example.org",)


def test_acts_of_the_last_minute_are_counted_by_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Keeper("run", PolicySet.load(["booking"], narrow()), DenyApprover())
    for step in range(3):
        assert own.clear(case(target(field(name=f"Field {step}", id=str(step))), step)).permit is not None
    assert own.clear(case(target(field(name="x")), 4)).facts["context"]["recent"] == 3
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert own.clear(case(target(field(name="y")), 5)).facts["context"]["recent"] == 0
