"""Follows plan steps written in plain fixed words, by rules alone: the scripted oracle of a task's plan.

It separates the runtime from the model: when a run fails with this and a plan in its words, the runtime or the task is
wrong. It needs the node list, knows a dozen forms of sentence, reads no pixels and guesses nothing; anything else is
`Blocked`. Imports nothing heavy.

The forms (case does not matter, quotes are allowed around names):

    press|open|click NAME [button|link|calendar|field] · press the first NAME button · press the first available NAME
    press NAME until TEXT is shown · press NAME if it is shown
    type TEXT into the NAME field · type TEXT (where the cursor is) · choose OPTION in the NAME list
    check NAME · uncheck NAME
    press the KEY key · wait until TEXT is shown · drag from X,Y to X,Y (pixels of the screen)
    start the NAME app · go back · go home (on a phone)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

from actuators.action import Click, Drag, LaunchApp, PressKeys, Scroll, SystemButton, TypeText, Wait
from actuators.geometry import Point
from actuators.observation import Node, Observation
from model.base import Act, Blocked, Done, Finish, Instruction, Move, Perception, Reply

__all__ = ["PlanReader", "understood"]

_FIELDS = frozenset({"textbox", "combobox", "spinbutton", "slider", "listbox"})
_SHEETS = frozenset({"table", "grid", "gridcell", "cell"})
"""A spreadsheet takes what is typed while none of its fields has the focus."""
_READ_ONLY = frozenset({"text", "heading", "image", "cell", "status", "alert"})
_KIND = r"(?: (?P<kind>button|link|calendar|field|tab|list|checkbox))?"
_SCROLL_PX = 500
_MOST_SCROLLS = 8


class PlanReader:
    """A `Model` for plans in fixed words."""

    @property
    def name(self) -> str:
        return "plan"

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """The next move of the current plan step; `Blocked` for a sentence of no known form."""
        step = (asked.step or asked.goal).strip().rstrip(".")
        past = history[asked.since :]
        for form, follow in _FORMS:
            if found := form.fullmatch(step):
                given = {name: (value or "").strip("\"'") for name, value in found.groupdict().items()}
                move = follow(given, past, seen)
                return Reply(move, f"{type(move).__name__}: {step}")
        return Reply(Blocked(f"`{step}` has none of the forms that are understood here"), "")

    def close(self) -> None:
        """Nothing to end."""


def understood(step: str) -> bool:
    """Whether a sentence has one of the forms above, `type TEXT` alone left out: nearly anything has that one."""
    said = step.strip().rstrip(".")
    return any(form.fullmatch(said) for form, follow in _FORMS if follow is not _type_here)


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())


def _matching(seen: Observation, name: str, kind: str, exact_only: bool = False) -> list[Node]:
    """Operable nodes of this name: all that equal it, else all that begin with it as a word."""
    wanted = _fold(name)
    pool = [node for node in seen.nodes if node.role not in _READ_ONLY and _is(node, kind)]
    exact = [node for node in pool if _fold(node.name) == wanted]
    if exact or exact_only:
        return exact
    return [node for node in pool if re.match(re.escape(wanted) + r"\b", _fold(node.name))]


def _is(node: Node, kind: str) -> bool:
    if kind in ("field", "list", "calendar"):
        return node.role in _FIELDS
    return not kind or node.role == kind


def _did(past: Sequence[Done], word: str) -> bool:
    """Whether an act of this kind was really done in this step."""
    return any(word in step.summary.split(" ")[0] and not step.note for step in past)


def _find(given: dict[str, str], past: Sequence[Done], seen: Observation, kind: str) -> Node | Move:
    """The node, or a scroll towards where it may be, or `Blocked`."""
    found = _matching(seen, given["name"], kind)
    if "free" in given:
        found = [node for node in found if node.enabled]
    elif kind == "" and len(found) > 1:
        found.sort(key=lambda node: node.role != "button")
    if found:
        return found[0]
    scrolled = sum(step.summary.startswith("scroll") for step in past)
    if "below" in seen.more and scrolled < _MOST_SCROLLS:
        return Act(Scroll(at=seen.screen.rect.centre, dy=_SCROLL_PX))
    return Blocked(f"nothing here is called `{given['name']}`")


def _press(given: dict[str, str], past: Sequence[Done], seen: Observation) -> Move:
    if _did(past, "click"):
        return Finish()
    found = _find(given, past, seen, given.get("kind", ""))
    if not isinstance(found, Node):
        return found
    return Act(Click(at=found.rect.centre)) if found.enabled else Blocked(f"`{found.name}` is disabled")


def _press_until(given: dict[str, str], past: Sequence[Done], seen: Observation) -> Move:
    if any(_fold(node.name) == _fold(given["text"]) for node in seen.nodes):
        return Finish()
    return _press(given, (), seen)


def _press_if(given: dict[str, str], past: Sequence[Done], seen: Observation) -> Move:
    return _press(given, past, seen) if _matching(seen, given["name"], "") or past else Finish()


def _type(given: dict[str, str], past: Sequence[Done], seen: Observation) -> Move:
    if _did(past, "type"):
        return Finish()
    found = _find(given, past, seen, "field")
    if not isinstance(found, Node):
        return found
    if found.value == given["text"]:
        return Finish()
    if found.focused and (not found.filled or _did(past, "triple_click")):
        return Act(TypeText(text=given["text"]))
    return Act(Click(at=found.rect.centre, count=3 if found.filled else 1))


def _type_here(given: dict[str, str], past: Sequence[Done], seen: Observation) -> Move:
    if _did(past, "type"):
        return Finish()
    focused = any(node.focused and node.role in _FIELDS | _SHEETS for node in seen.nodes)
    return Act(TypeText(text=given["text"])) if focused else Blocked("no field has the focus")


def _choose(given: dict[str, str], past: Sequence[Done], seen: Observation) -> Move:
    found = _find(given, past, seen, "list")
    if not isinstance(found, Node):
        return found
    if _fold(found.value) == _fold(given["text"]):
        return Finish()
    options = [node for node in seen.nodes if node.role == "option" and _fold(node.name) == _fold(given["text"])]
    if options:
        return Act(Click(at=options[0].rect.centre))
    if _did(past, "type"):
        return Blocked(f"`{given['name']}` shows `{found.value}` and not `{given['text']}`")
    return Act(TypeText(text=given["text"])) if found.focused else Act(Click(at=found.rect.centre))


def _check(given: dict[str, str], past: Sequence[Done], seen: Observation) -> Move:
    found = _find(given, past, seen, "")
    if not isinstance(found, Node):
        return found
    wanted = not given["un"]
    return Finish() if found.checked is wanted else Act(Click(at=found.rect.centre))


def _key(given: dict[str, str], past: Sequence[Done], seen: Observation) -> Move:
    return Finish() if _did(past, "key") else Act(PressKeys(keys=tuple(given["name"].lower().split("+"))))


def _drag(given: dict[str, str], past: Sequence[Done], seen: Observation) -> Move:
    if _did(past, "drag"):
        return Finish()
    ends = [Point(*map(int, given[end].split(","))) for end in ("start", "end")]
    if not all(seen.screen.contains(end) for end in ends):
        return Blocked(f"the screen has {seen.screen.width}x{seen.screen.height} pixels")
    return Act(Drag(start=ends[0], end=ends[1]))


def _wait(given: dict[str, str], past: Sequence[Done], seen: Observation) -> Move:
    shown = any(_fold(given["text"]) in _fold(node.name) for node in seen.nodes)
    return Finish() if shown else Act(Wait(seconds=1.0))


def _start(given: dict[str, str], past: Sequence[Done], seen: Observation) -> Move:
    return Finish() if _did(past, "open") else Act(LaunchApp(name=given["name"]))


def _go(given: dict[str, str], past: Sequence[Done], seen: Observation) -> Move:
    button: Literal["back", "home"] = "back" if given["name"].lower() == "back" else "home"
    return Finish() if _did(past, "system_button") else Act(SystemButton(button=button))


_Follow = Callable[[dict[str, str], Sequence[Done], Observation], Move]


def _form(pattern: str, follow: _Follow) -> tuple[re.Pattern[str], _Follow]:
    return re.compile(pattern, re.IGNORECASE), follow


_FORMS: tuple[tuple[re.Pattern[str], _Follow], ...] = (
    _form(r"wait until (?P<text>.+) is shown", _wait),
    _form(r"start (?:the )?(?P<name>.+?)(?: app)?", _start),
    _form(r"go (?P<name>back|home)", _go),
    _form(r"(?:press|click) (?P<name>.+?) until (?P<text>.+) is shown", _press_until),
    _form(r"(?:press|click) (?P<name>.+?) if it is shown", _press_if),
    _form(r"type (?P<text>.*) into (?:the )?(?P<name>.+?)(?: field)?", _type),
    _form(r"type (?P<text>.+)", _type_here),
    _form(r"choose (?P<text>.+) in (?:the )?(?P<name>.+?)(?: list)?", _choose),
    _form(r"(?P<un>un)?check (?P<name>.+)", _check),
    _form(r"press (?:the )?(?P<name>\S+) key", _key),
    _form(r"drag from (?P<start>\d{1,5},\d{1,5}) to (?P<end>\d{1,5},\d{1,5})", _drag),
    _form(r"(?:press|click) the first (?P<free>available )(?P<name>.+?)" + _KIND, _press),
    _form(r"(?:press|click) the first (?P<name>.+?)" + _KIND, _press),
    _form(r"(?:press|click|open) (?:the )?(?P<name>.+?)" + _KIND, _press),
)
