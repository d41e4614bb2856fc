"""What an act would do: the effect, not the coordinates. Pure: no I/O, no clock.

The order of kinds is the order of how much they can cost; whenever two readings are possible the worse one stands,
and what cannot be told is `unknown`, which is worse than all.

It reads what the surface tells about the target and what the screen says. A page whose script does something else
than its label, its form and its link say is beyond it; the wire gate sees what is really sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never, get_args
from urllib.parse import unquote

from actuators.action import (
    Action,
    Click,
    Drag,
    Hover,
    LaunchApp,
    LongPress,
    OpenUrl,
    PressKeys,
    Scroll,
    Swipe,
    SystemButton,
    TypeText,
    Wait,
    Zoom,
)
from actuators.observation import Form, Node, Observation, Target
from policies import vocabulary as say
from policies.keys import Stroke, stroke_of
from policies.money import Amounts, Money, amounts, totals
from policies.scene import Field, Scene, scene_of
from policies.words import Phrases

__all__ = ["KINDS", "Consequence", "Kind", "consequence_of", "judge", "no_worse"]

Kind = Literal["look", "move", "edit", "submit", "send", "reveal", "delete", "buy", "unknown"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""From the least to the worst."""

INERT_SCRIPTS = {"javascript:", "javascript:;", "javascript:void(0)", "javascript:void(0);", "javascript:void 0"}
"""Link targets that lead nowhere: such a link is a button."""

_FIELDS = {"textbox", "searchbox", "spinbutton", "entry", "edittext"}
_TOGGLES = {"checkbox", "radio", "option", "tab", "slider", "combobox", "listbox", "menuitemcheckbox", "menuitemradio"}
_CHOICES = {"combobox", "listbox", "option", "radio", "slider", "spinbutton", "radiogroup", "tab", "tablist", "menu"}
_OPAQUE = {"canvas", "iframe", "frame", "object", "embed", "video", "applet"}
_PAGE = {"body", "html", "main"}
_SINGLE_LINE = {"input", "edittext", "entry"}


@dataclass(frozen=True, slots=True)
class Consequence:
    """What acting would do, with the money it would cost as far as the screen tells."""

    kind: Kind
    why: str = ""
    """What told: a word, a method, a field; for people and the trail."""
    amount_minor: int | None = None
    """Minor units; None when it is not a purchase, or the amount is not stated, unclear or contradictory."""
    currency: str = ""
    amount_stated: bool = False
    """Whether the control itself names the amount."""
    paid_extra: bool = False
    """Whether acting would add something that costs money to what is bought later."""

    @property
    def rank(self) -> int:
        return KINDS.index(self.kind)


def no_worse(kind: Kind, than: str) -> bool:
    """Whether an act of this kind may stand in for one that was `than`: it costs no more, and lasts in no other way."""
    if than not in KINDS or kind == "unknown":
        return False
    return kind == than or (KINDS.index(kind) <= min(KINDS.index(than), KINDS.index("submit")))


def worst(*consequences: Consequence) -> Consequence:
    """The worst of several; the first of equals."""
    return max(consequences, key=lambda one: one.rank)


def consequence_of(action: Action, target: Target, seen: Observation) -> Consequence:
    """What `action` on `target` would do, as far as `seen` tells."""
    return judge(action, target, scene_of(target, seen))


def judge(action: Action, target: Target, scene: Scene) -> Consequence:
    """`consequence_of` on the parts of the observation that matter."""
    match action:
        case Wait() | Zoom() | Hover():
            return Consequence("look")
        case Scroll():
            return _scrolling(target.node)
        case Click(button="right"):
            return Consequence("move", "opens a menu")
        case Click() | LongPress():
            return _pressing(target.node, scene)
        case TypeText(text=text):
            return _typing(text, target.node, scene)
        case PressKeys(keys=keys):
            return _striking(stroke_of(keys), target.node, scene)
        case OpenUrl(url=url):
            return worst(Consequence("move", "opens an address"), _path(url))
        case LaunchApp():
            return Consequence("move", "opens an application")
        case SystemButton(button=button):
            return _entering(target.node, scene) if button == "enter" else Consequence("move", f"{button} button")
        case Drag():
            return _dragging(target)
        case Swipe():
            return _swiping(action, target.node, scene)
        case _:
            assert_never(action)


# ---------------------------------------------------------------- pointing


def _pressing(node: Node | None, scene: Scene) -> Consequence:
    if node is None or node.tag.lower() in _OPAQUE:
        return Consequence("unknown", "nothing is known about what lies under the point")
    if node.submits:
        return _submitting(node.name, node.form, scene)
    role = node.role.lower()
    if node.editable or role in _FIELDS:
        return Consequence("edit", "a field")
    if role in _TOGGLES:
        return Consequence("edit", f"a {role}", paid_extra=_paid_extra(node))
    if node.href and node.href not in INERT_SCRIPTS:
        named = _worded(node.name, say.BENIGN)
        return _priced(worst(Consequence("move", "a link"), named, _path(node.href)), node.name, node.form, scene)
    return _pressing_scripted(node, role, scene)


def _pressing_scripted(node: Node, role: str, scene: Scene) -> Consequence:
    """Something whose effect is in the page's script: only its words can tell."""
    if node.tag.lower() in _PAGE and not node.name:
        return Consequence("move", "the page itself")
    if not node.name.strip():
        return Consequence("unknown", f"a {role or 'thing'} without a name")
    named = _worded(node.name, say.BENIGN)
    if named.kind == "look":
        if asks := say.SUBMIT.within(node.name):
            named = Consequence("submit", f"says `{asks}`")
        elif said := say.MOVE.within(node.name):
            named = Consequence("move", f"says `{said}`")
        else:
            named = Consequence("edit", f"a {role}")
    return _priced(named, node.name, node.form, scene, _paid_extra(node))


def _submitting(name: str, form: Form | None, scene: Scene) -> Consequence:
    """A button that submits: the worst of its words, its form's method, fields and address."""
    base = _method(form)
    if not name.strip() and base.kind == "submit":
        return Consequence("unknown", "a submit button without a name")
    reasons = [base, _worded(name)]
    if form is not None:
        reasons.append(_path(form.action, submitting=base.kind == "submit"))
        reasons.append(_card(form, scene.fields))
    return _priced(worst(*reasons), name, form, scene, _adds_extra(name))


def _method(form: Form | None) -> Consequence:
    match form.method.upper() if form else "":
        case "GET":
            return Consequence("move", "a GET form")
        case "DIALOG":
            return Consequence("edit", "closes a dialog")
        case method:
            return Consequence("submit", f"a {method or 'unknown'} form")


def _card(form: Form, fields: tuple[Field, ...]) -> Consequence:
    if any(token.startswith("cc-") for field in fields for token in field.autocomplete.split()):
        return Consequence("buy", "its form has card fields")
    said = say.CARD.within(form.text)
    if said and (money := amounts(form.text)) and (money.found or money.unclear):
        return Consequence("buy", f"its form says `{said}` and an amount")
    return Consequence("look")


def _dragging(target: Target) -> Consequence:
    """A drag is judged by both ends. What is dropped somewhere does what that place does with it.

    Where no wire judges what comes of it (outside a browser), only a drag inside one control can be told.
    """
    node, drop = target.node, target.drop
    inside = drop is None or (node is not None and drop.id == node.id)
    if node is not None and inside and (node.editable or node.role.lower() in {"slider", "scrollbar", "spinbutton"}):
        return Consequence("edit", "a drag inside a control")
    if node is None or drop is None or target.surface != "browser" or not node.name.strip() or not drop.name.strip():
        return Consequence("unknown", "a drag may move or drop anything")
    if drop.origin != node.origin or drop.tag.lower() in _OPAQUE or drop.password:
        return Consequence("unknown", "a drag out of its own page, or into something opaque")
    there = [_worded(drop.name), _path(drop.href) if drop.href else Consequence("look")]
    return worst(Consequence("submit", f"a drag onto `{drop.name[:60]}`"), *there)


def _swiping(swipe: Swipe, node: Node | None, scene: Scene) -> Consequence:
    across, along = abs(swipe.end.x - swipe.start.x), abs(swipe.end.y - swipe.start.y)
    if along > across:
        return Consequence("move", "scrolls")
    if node is None:
        return Consequence("unknown", "a sideways swipe over something unknown")
    return worst(Consequence("edit", "a sideways swipe"), _worded(node.name))


def _scrolling(node: Node | None) -> Consequence:
    if node is not None and node.focused and node.role.lower() in _CHOICES:
        return Consequence("edit", "the wheel changes a focused control")
    return Consequence("look")


# ---------------------------------------------------------------- keys


def _typing(text: str, node: Node | None, scene: Scene) -> Consequence:
    if node is None:
        return Consequence("unknown", "nothing known has the focus")
    if any(c < " " and c != "\n" for c in text):
        return Consequence("unknown", "the text holds keys that leave the field")
    edit = Consequence("edit", "types into a field")
    if not node.editable and node.role.lower() not in _CHOICES:
        edit = Consequence("unknown", "types where no field is")
    return worst(edit, _entering(node, scene)) if "\n" in text else edit


def _striking(stroke: Stroke, node: Node | None, scene: Scene) -> Consequence:
    match stroke.effect:
        case "look" | "move":
            kind: Kind = "edit" if stroke.steps and node and node.role.lower() in _CHOICES else stroke.effect
            return Consequence(kind, stroke.name)
        case "enter":
            return _entering(node, scene, forced=stroke.forced)
        case "space":
            return _spacing(node, scene)
        case "edit":
            editing = node is not None and node.editable
            return Consequence("edit" if editing else stroke.elsewhere, stroke.name)
        case "submit" | "unknown":
            return Consequence(stroke.effect, stroke.name)
        case _:
            assert_never(stroke.effect)


def _spacing(node: Node | None, scene: Scene) -> Consequence:
    if node is not None and node.tag.lower() in _PAGE:
        return Consequence("look", "scrolls the page")
    if node is not None and node.editable:
        return Consequence("edit", "a space")
    return _pressing(node, scene)


def _entering(node: Node | None, scene: Scene, forced: bool = False) -> Consequence:
    """The Enter key. `forced` means with Ctrl or Cmd, which sends from a field of several lines too."""
    if node is None:
        return Consequence("unknown", "Enter with nothing known in focus")
    if not node.editable:
        return Consequence("move", "the page itself") if node.tag.lower() in _PAGE else _pressing(node, scene)
    single = node.tag.lower() in _SINGLE_LINE
    if not single and not forced and node.form is not None and node.tag.lower() == "textarea":
        return Consequence("edit", "a new line")
    if node.form is None:
        return _entering_loose(node, single)
    buttons = [field.name for field in scene.fields if field.submits]
    if not buttons:
        reasons = (_method(node.form), _card(node.form, scene.fields), _path(node.form.action, submitting=True))
        return _priced(worst(*reasons), "", node.form, scene)
    pressed = [_submitting(name, node.form, scene) for name in buttons]
    first = worst(*pressed)
    same = {(one.amount_minor, one.currency) for one in pressed if one.kind == first.kind}
    return first if len(same) == 1 else Consequence(first.kind, first.why, paid_extra=first.paid_extra)


def _entering_loose(node: Node, single: bool) -> Consequence:
    """Enter in a field of no form: whatever the page's script makes of it."""
    if single and node.role.lower() in {"searchbox", "combobox", "spinbutton"}:
        return Consequence("move", "Enter in a search field")
    return Consequence("submit" if single else "send", "Enter in a field without a form")


# ---------------------------------------------------------------- words and money

_WORSE: tuple[tuple[Kind, Phrases], ...] = (
    ("buy", say.BUY),
    ("delete", say.DELETE),
    ("reveal", say.REVEAL),
    ("send", say.SEND),
)


def _worded(name: str, without: Phrases | None = None) -> Consequence:
    """What the words of a name announce; `look` when nothing."""
    for kind, phrases in _WORSE:
        if said := phrases.within(name, without):
            return Consequence(kind, f"says `{said}`")
    return Consequence("look")


def _path(url: str, submitting: bool = True) -> Consequence:
    """What the words of an address announce: a link called `here` may lead to `/account/delete`."""
    path = unquote(url.split("://", 1)[-1].partition("/")[2].partition("#")[0])
    if said := say.PATH_PAY.within(path.partition("?")[0]):
        return Consequence("buy", f"its address says `{said}`")
    if said := say.PATH_DELETE.within(path):
        return Consequence("delete", f"its address says `{said}`")
    if submitting and (said := say.PATH_SUBMIT.within(path.partition("?")[0])):
        return Consequence("submit", f"its address says `{said}`")
    return Consequence("look")


def _priced(found: Consequence, name: str, form: Form | None, scene: Scene, extra: bool = False) -> Consequence:
    """The same consequence with its money: an amount only when everything that names one agrees."""
    if found.kind != "buy":
        return Consequence(found.kind, found.why, paid_extra=extra)
    own = amounts(name)
    money = _agreed(own, totals(form.text) if form else Amounts(), scene.totals)
    if money is None:
        return Consequence(found.kind, found.why, paid_extra=extra)
    return Consequence(found.kind, found.why, money.minor, money.currency, own.single is not None, extra)


def _agreed(*claims: Amounts) -> Money | None:
    return sum(claims, Amounts()).single


def _paid_extra(node: Node) -> bool:
    """Whether ticking or pressing this adds something paid. Taking an extra off again is none."""
    if node.checked:
        return False
    priced = _names_money(node.name)
    if node.role.lower() in {"checkbox", "switch", "menuitemcheckbox"} or node.tag.lower() == "label":
        return priced or (bool(say.INSURANCE.within(node.name)) and not say.NO_EXTRA.within(node.name))
    if node.role.lower() == "radio":
        return bool(say.INSURANCE.within(node.name)) and (priced or not say.NO_EXTRA.within(node.name))
    return _adds_extra(node.name)


def _adds_extra(name: str) -> bool:
    return _names_money(name) and bool(say.EXTRA.within(name))


def _names_money(text: str) -> bool:
    said = amounts(text)
    return said.unclear or any(money.minor for money in said.found)
