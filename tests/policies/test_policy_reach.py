"""Rules that can never decide anything are found, and nothing that can is called so."""

from __future__ import annotations

import json
import random
from itertools import product

import pytest
from policy_cases import CLICK, case, narrow, node, target

from actuators.action import Drag, OpenUrl, Scroll, TypeText
from actuators.geometry import Point
from policies.consequence import KINDS, judge
from policies.decide import PolicySet
from policies.reach import ACTIONS, SURFACES, cases_of
from policies.request import Counters, Request, request_of

HEAD = '@id("a") @because("b") forbid (principal, action, resource)'


def doubts(*texts: str) -> list[str]:
    return PolicySet([{"test": "\n".join(texts)}], narrow()).check()


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ('when { context.surface == "telephone" }', "never `telephone`"),
        ('when { context.consequence != "buy" && context.consequence == "buy" }', "opposite"),
        ('when { context.consequence == "buy" } unless { context.consequence == "buy" }', "opposite"),
        ('when { ["buy", "send"].contains(context.consequence) && context.consequence == "edit" }', "cannot be"),
        (f"unless {{ {json.dumps(sorted(KINDS))}.contains(context.consequence) }}", "opposite"),
        ("when { context.step == 3 && context.step > 5 }", "no number fits"),
        ("when { context.inside == false && context.inside }", "opposite"),
        ("when { !(context.inside || true) }", "asks for `false`"),
        ("when { (context.inside && !context.inside) || (context.step < 1 && context.step > 1) }", "opposite"),
        ("when { (context.inside && !context.inside) || context.step < 1 }", ""),
        ('when { action == Gui::Action::"swipe" && context.surface == "browser" }', "`browser` never does `swipe`"),
        ('when { action == Gui::Action::"open_url" && context.surface == "desktop" }', "never does `open_url`"),
        ('when { action == Gui::Action::"hover" && context.surface == "android" }', "never does `hover`"),
        ('when { action in Gui::Action::"open" && context.surface == "desktop" }', ""),
        ('when { context has sent && context.surface == "guest" }', "`guest` never does `request`"),
        ('when { context has sent && action in Gui::Action::"point" }', "`context.sent` is there only for `request`"),
        ('when { context has drop && action == Gui::Action::"click" }', "`context.drop` is there only for"),
        ('when { action == Gui::Action::"request" } unless { context has sent }', "always there"),
        ('when { context.tier == "strict" }', "never `strict`"),
        ('when { resource.name like "a*" && !(resource.name like "a*") }', "opposite"),
        ('when { resource.name like "a*" && resource.name like "b*" }', ""),
        ('when { principal.never.contains(context.origin) && context.surface == "desktop" }', ""),
    ],
)
def test_a_rule_that_can_never_match_is_told_with_why(condition: str, says: str) -> None:
    found = doubts(f"{HEAD} {condition};")
    assert bool(found) == bool(says) and says in "".join(found), found


@pytest.mark.parametrize(
    ("text", "wall", "dead"),
    [
        ("permit (principal, action, resource)", "forbid (principal, action, resource)", True),
        (
            'permit (principal, action == Gui::Action::"click", resource) when { context.inside }',
            'forbid (principal, action in Gui::Action::"point", resource)',
            True,
        ),
        (
            'permit (principal, action, resource) when { context.consequence == "send" }',
            'forbid (principal, action, resource) when { ["send", "delete"].contains(context.consequence) }',
            True,
        ),
        (
            "permit (principal, action, resource) when { context.step > 9 && context.inside }",
            "forbid (principal, action, resource) when { context.step >= 10 }",
            True,
        ),
        (
            "permit (principal, action, resource) when { context.step > 8 }",
            "forbid (principal, action, resource) when { context.step >= 10 }",
            False,
        ),
        (
            'permit (principal, action, resource) when { resource.name == "x" }',
            'forbid (principal, action, resource) when { resource.name == "x" } unless { context.inside }',
            False,
        ),
        (
            'permit (principal, action, resource) when { resource.name == "x" && !context.inside }',
            'forbid (principal, action, resource) when { resource.name == "x" } unless { context.inside }',
            True,
        ),
        (
            'permit (principal, action, resource) when { ["send", "buy"].contains(context.consequence) }',
            'forbid (principal, action, resource) when { context.consequence == "send" }',
            False,
        ),
        (
            'permit (principal, action, resource in Gui::App::"x")',
            'forbid (principal, action, resource in Gui::App::"y")',
            False,
        ),
    ],
)
def test_a_rule_behind_one_that_nobody_can_lift_decides_nothing(text: str, wall: str, dead: bool) -> None:
    found = doubts(f'@id("a") @because("b") {text};', f'@id("wall") @because("b") {wall};')
    assert [line for line in found if "`a` can never decide anything: `wall`" in line] == found and bool(found) == dead


def test_a_question_behind_a_wall_is_never_asked_and_a_wall_behind_a_question_stands() -> None:
    asks = '@id("asks") @because("b") @escalate("human") forbid (principal, action, resource) '
    asks += "unless { context has approved_by };"
    wall = '@id("wall") @because("b") forbid (principal, action, resource);'
    assert ["`asks` can never decide" in line for line in doubts(asks, wall)] == [True]


def test_the_groups_of_actions_are_those_of_the_schema() -> None:
    for surface, action in product(SURFACES, ACTIONS):
        doubts(f'{HEAD} when {{ context.surface == "{surface}" && action == Gui::Action::"{action}" }};')
    for group in ("look", "point", "type_in", "open", "wire", "system"):
        [body] = [json.loads(rule.body) for rule in _one(f'{HEAD} when {{ action in Gui::Action::"{group}" }};')]
        members = cases_of(body)[0].values("action") or frozenset()
        hit = {kind for kind in ACTIONS if kind in members}
        found = {kind for kind in ACTIONS if _matches(f'{HEAD} when {{ action in Gui::Action::"{group}" }};', kind)}
        assert hit == found, group


def _one(text: str) -> list[object]:
    return [*PolicySet([{"test": text}], narrow()).rules.values()]


def _matches(text: str, kind: str) -> bool:
    base = _requests()[0]
    sent = {"sent": _SENT} if kind == "request" else {}
    drop = {"drop": {"known": False, "role": "", "name": "", "enabled": True}} if kind in ("drag", "swipe") else {}
    request = Request(kind, base.widget, base.parents, {**base.context, **sent, **drop})
    return "a" in PolicySet([{"test": text}], narrow()).decide(request).rules


_SENT = {
    **{"kind": "xhr", "covered": True, "cause": "", "size": 1, "readable": True, "fields": [], "files": 0, "leaks": []},
    **{"redirected": False, "named": True},
}


def _requests() -> list[Request]:
    """Acts of several kinds on several surfaces, in the tens."""
    acts = (CLICK, Scroll(at=Point(1, 1), dy=9), TypeText(text="x"), OpenUrl(url="https://air.example/x"))
    acts += (Drag(start=Point(1, 1), end=Point(5, 5)),)  # type: ignore[assignment]
    found = []
    for act, surface, step, name in product(acts, ("browser", "desktop", "android"), (1, 7), ("Pay 5.00 EUR", "More")):
        one = case(target(node("button", name), surface=surface), step=step, action=act)
        found.append(request_of(one, judge(one.action, one.target, one.scene), Counters(), narrow()))
    return found


ATOMS = (
    "context.inside",
    "context.mismatch",
    "context has drop",
    "context.step > 3",
    "context.step <= 3",
    "context.step == 7",
    'context.surface == "browser"',
    'context.surface != "desktop"',
    'context.consequence == "buy"',
    '["look", "edit", "move"].contains(context.consequence)',
    'action == Gui::Action::"drag"',
    'action in Gui::Action::"point"',
    'action == Gui::Action::"open_url"',
    'resource.name like "Pay*"',
    'resource.role == "button"',
)


def _random(chance: random.Random, depth: int) -> str:
    if not depth or chance.random() < 0.3:
        return f"{'!' if chance.random() < 0.4 else ''}({chance.choice(ATOMS)})"
    return f"({_random(chance, depth - 1)} {chance.choice(('&&', '||', '&&'))} {_random(chance, depth - 1)})"


def test_what_is_called_dead_never_decides_anything() -> None:
    """400 pairs of made-up rules, each tried on acts of every kind: the engine is the judge."""
    chance, requests, dead = random.Random(5), _requests(), 0
    for _ in range(400):
        rule = f'@id("a") @because("b") permit (principal, action, resource) when {{ {_random(chance, 3)} }};'
        wall = f'@id("wall") @because("b") forbid (principal, action, resource) when {{ {_random(chance, 1)} }};'
        policies = PolicySet([{"test": f"{rule}\n{wall}"}], narrow())
        found = policies.check()
        if not any("`a` can never" in line for line in found):
            continue
        dead += 1
        for request in requests:
            if (act := request.action) == "open_url" and request.context["surface"] != "browser":
                continue  # no hand does that, and the rules are told so
            said = policies.decide(request)
            assert "a" not in said.rules and said.verdict != "allow", (found, rule, wall, act)
    assert dead > 60, "too few of them were dead for this to say anything"
