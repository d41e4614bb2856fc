"""Samples: a page, instructions on it at different points of their course, and the right call for each.

Every sample of a page shares the page's prompt prefix; `prefix_text` and `Sample.text` joined are exactly the user text
that `model.protocols.computer_use.prompt` builds.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from actuators.action import Action, Click, PressKeys, Scroll, TypeText, Wait
from actuators.geometry import Point, Rect, Screen
from actuators.observation import Frame, Node, Observation, Target
from model.base import Done, Instruction
from model.protocols import computer_use, elements
from model.training import labels
from model.training.instructions import Wording, word
from model.training.oracle import GROUPS, READABLE, Ask, Call, Past, decide, mentions, resolve
from model.training.pages import FIELD_ROLES, Page, make_page
from model.training.words import Pools, Split, Words

__all__ = ["Episode", "Sample", "make_episode", "observation", "past_line", "prefix_text", "sample_text", "user_text"]

_NOTES = (
    "refused by policy rule {w}",
    "the target changed",
    "refused by policy rule {w}",
    "the page changed",
    "not performed: {w}",
    "the target is covered",
    "declined by the user",
    "nothing under the point",
    'the target changed: button "{w}" is there now, which is not what was judged',
    "it did not work: {w}",
    "refused: {w}",
)
_HINTS = (
    "that was {w}, which is not what the instruction names",
    "that was {w}, which is not what the instruction names",
    'the last click did not hit "{n}"',
    "the last click did not hit the target",
    'the last click hit {w} instead of "{n}"',
    "your last reply named a point without an element",
    "the click landed on {w}",
    "the last action had no effect",
    'the point is not inside "{n}"',
)


@dataclass
class Sample:
    """One prompt on a page and its answer."""

    kind: str
    """What is counted together in the evaluation, such as `type: fill`."""
    ask: Ask
    wording: Wording
    past: tuple[Past, ...]
    hint: str
    call: Call
    text: str = ""
    """The asked part of the prompt from the blank line before `Instruction:` on."""
    links: list[tuple[str, int, str]] = field(default_factory=list)
    """(placeholder letter, node index, `name` or `value`): parts of the instruction that are quoted by a node line."""

    @property
    def reply(self) -> str:
        return computer_use.render_call(self.call.arguments)


@dataclass
class Episode:
    """A page and its samples."""

    page: Page
    samples: list[Sample]


_BLANK = Frame(b"")


def observation(page: Page, nodes: tuple[Node, ...] | None = None) -> Observation:
    """The page as an observation without pixels."""
    shown = page.nodes if nodes is None else nodes
    more = page.more if nodes is None else ()
    return Observation(seq=0, taken_at=0.0, surface="browser", screen=page.screen, frame=_BLANK, nodes=shown, more=more)


def _user_text(asked: Instruction, history: list[Done], seen: Observation) -> str:
    built = computer_use.prompt(asked, history, seen, "both", turns=0, with_goal=False)
    return str(built.messages[1]["content"][1]["text"])


def prefix_text(page: Page) -> str:
    """`Elements:` and the node lines."""
    return "Elements:\n" + elements.describe(page.nodes, page.screen, page.more)


def sample_text(page: Page, text: str, past: tuple[Past, ...], hint: str) -> str:
    """The rest of the user text, beginning with the blank line before `Instruction:`."""
    history = [Done(past_line(step), note=step.note) for step in past]
    return user_text(Instruction(goal=text, step=text, hint=hint), history)


def user_text(asked: Instruction, history: list[Done]) -> str:
    """What a prompt says after its node lines, from the blank line before `Instruction:` on."""
    whole = _user_text(asked, history, observation(Page((), Screen(1000, 1000)), ()))
    return whole.removeprefix("Elements:\n")


def past_line(step: Past) -> str:
    """The history line that the runtime would write."""
    action: Action
    at = Point(0, 0)
    match step.action:
        case "left_click":
            action = Click(at=at)
        case "triple_click":
            action = Click(at=at, count=3)
        case "type":
            action = TypeText(text=step.text)
        case "key":
            action = PressKeys(keys=tuple(step.text.split("+")))
        case "wait":
            action = Wait()
        case "terminate":
            return "terminate"
        case _:
            action = Scroll(at=at, dy=500 if step.action.endswith("down") else -500)
    target = Target(surface="browser", node=step.node, point=None) if step.node else None
    return computer_use.summary(action, target)


_KEYS = (
    ("enter",), ("enter",), ("escape",), ("tab",), ("ctrl", "a"), ("ctrl", "c"), ("ctrl", "v"), ("ctrl", "z"), ("ctrl", "s"), ("backspace",),
    ("delete",), ("page_down",), ("page_up",), ("home",), ("end",), ("shift", "tab"), ("space",), ("ctrl", "f"), ("alt", "f4"), ("f5",),
)  # fmt: skip
_GROUP_OF = {role: group for group, roles in GROUPS.items() if group not in ("list",) for role in roles}


class _Asker:
    """Draws instructions and histories for one page."""

    def __init__(self, page: Page, words: Words, templates: Split) -> None:
        self.page = page
        self.words = words
        self.dice = words.dice
        self.templates = templates
        self.operable = [n for n, node in enumerate(page.nodes) if node.role not in READABLE]
        self.by_role: dict[str, list[int]] = {}
        for n in self.operable:
            self.by_role.setdefault(page.nodes[n].role, []).append(n)

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def of(self, *roles: str) -> list[int]:
        return [n for role in roles for n in self.by_role.get(role, ())]

    def node(self, index: int) -> Node:
        return self.page.nodes[index]

    def shown_name(self, index: int) -> str:
        return elements.clean(self.node(index).name)

    def make(self, kind: str) -> Sample | None:
        """One sample of a kind, or None where the page has nothing for it."""
        build: Callable[[], tuple[Ask, list[Past]] | None] = getattr(self, f"_{kind}")
        drawn = build()
        if drawn is None:
            return None
        ask, past = drawn
        if ask.name and "…" in ask.name:
            return None
        past = self._noted(past)
        hint = self._hint(ask) if self.chance(0.04) else ""
        call = decide(ask, self.page, past)
        index = resolve(ask, self.page.nodes)
        shown = self.node(index) if index is not None else None
        wording = word(ask, shown, self.dice, self.templates)
        sample = Sample(self._count_as(kind, ask, call), ask, wording, tuple(past), hint, call)
        sample.text = sample_text(self.page, wording.text, sample.past, hint)
        sample.links = self._links(ask, index, call)
        return sample

    @staticmethod
    def _count_as(kind: str, ask: Ask, call: Call) -> str:
        action = call.arguments["action"]
        return f"{kind}: {call.arguments['status'] if action == 'terminate' else action}"

    def _links(self, ask: Ask, index: int | None, call: Call) -> list[tuple[str, int, str]]:
        links: list[tuple[str, int, str]] = []
        if index is not None:
            links.append(("n", index, "name"))
            if ask.value and elements.clean(ask.value) == elements.clean(self.node(index).value):
                links.append(("v", index, "value"))
        if ask.kind in ("wait", "until") and call.target is not None and mentions(self.node(call.target), ask.value):
            links.append(("v", call.target, "name"))
        if ask.kind == "choose" and call.target is not None and self.node(call.target).role == "option":
            links.append(("v", call.target, "name"))
        if ask.anchor:
            links += [("a", n, "name") for n, node in enumerate(self.page.nodes) if mentions(node, ask.anchor)][:1]
        return links

    def _noted(self, past: list[Past]) -> list[Past]:
        """Sometimes the last action did not happen, or was tried in vain before."""
        if self.chance(0.02):
            return [*past, Past("terminate", note="blocked: look again")]
        if past and self.chance(0.06):
            note = self.dice.choice(_NOTES).format(w=self.words.word())
            failed = dataclasses.replace(past[-1], note=note)
            return [*past[:-1], failed, failed] if self.chance(0.3) else [*past[:-1], failed]
        return past

    def _hint(self, ask: Ask) -> str:
        return self.dice.choice(_HINTS).format(n=ask.name or "it", w=f'button "{self.words.phrase(2)}"')

    def _clicked(self, index: int | None, name: str = "") -> Past:
        if index is not None:
            return Past("left_click", self.node(index))
        role = self.dice.choice(("button", "link", "tab", "menuitem", "button"))
        return Past("left_click", Node(id="", role=role, name=name, rect=_NOWHERE))

    def _scrolled(self) -> list[Past]:
        way = "down" if "below" in self.page.more or not self.page.more else "up"
        if self.chance(0.15):
            way = "up" if way == "down" else "down"
        return [Past(f"scroll {way}")] * self.dice.choice((1, 1, 2, 3, 4, 5, 6))

    def _said(self, index: int) -> str:
        """The name, or sometimes only its beginning."""
        name = self.shown_name(index)
        words = name.split(" ")
        if len(words) > 1 and self.chance(0.15):
            return " ".join(words[: self.dice.randint(1, len(words) - 1)]).rstrip(",:")
        return name

    # ---- one method a kind

    def _press(self) -> tuple[Ask, list[Past]] | None:
        if not self.operable:
            return None
        group = self.dice.choice(list(self.by_role))
        index = self.dice.choice(self.by_role[group] if self.chance(0.5) else self.operable)
        ask = Ask("press", self._said(index), self._group(index))
        return ask, self._press_past(resolve(ask, self.page.nodes))

    def _group(self, index: int) -> str:
        group = _GROUP_OF.get(self.node(index).role, "")
        return group if self.chance(0.55) else ""

    def _press_past(self, index: int | None) -> list[Past]:
        draw = self.dice.random()
        if draw < 0.72:
            return []
        if draw < 0.9:
            return [self._clicked(index, self.words.phrase())]
        return self._scrolled() + ([self._clicked(index, self.words.phrase())] if self.chance(0.4) else [])

    def _prefix(self) -> tuple[Ask, list[Past]] | None:
        longer = [n for n in self.operable if " " in self.shown_name(n)]
        if not longer:
            return None
        index = self.dice.choice(longer)
        words = self.shown_name(index).split(" ")
        ask = Ask("press", " ".join(words[: self.dice.randint(1, len(words) - 1)]).rstrip(",:"), self._group(index))
        return ask, self._press_past(resolve(ask, self.page.nodes)) if self.chance(0.3) else []

    def _gone(self) -> tuple[Ask, list[Past]] | None:
        """The click was made and the page is another one."""
        name = self._absent_name()
        ask = Ask("press", name, self.dice.choice(("", "button", "link")))
        return ask, [*(self._scrolled() if self.chance(0.1) else []), self._clicked(None, name)]

    def _absent_name(self) -> str:
        """A name that is nowhere on the page, often close to one that is."""
        for _ in range(6):
            name = (
                self._near_name()
                if self.chance(0.55)
                else self.words.phrase()
                if self.chance(0.6)
                else self.words.pick(labels.BUTTONS)
            )
            if resolve(Ask("press", name), self.page.nodes) is None and not any(
                mentions(node, name) for node in self.page.nodes
            ):
                return name
        return self.words.pseudo() + " " + self.words.pseudo()

    def _near_name(self) -> str:
        words = self.shown_name(self.dice.choice(self.operable)).split(" ") if self.operable else ["x"]
        place = self.dice.randrange(len(words))
        draw = self.dice.random()
        if draw < 0.45 or len(words) == 1:
            words[place] = self.words.word() if len(words) > 1 else words[place][:2] + self.words.pseudo()
        elif draw < 0.75:
            words.append(self.words.word())
        else:
            words = words[1:]
        return " ".join(words)

    def _absent(self) -> tuple[Ask, list[Past]] | None:
        kind = self.dice.choice(("press", "press", "press", "type", "choose", "check"))
        past = self._scrolled() if self.chance(0.35) else []
        value = self.words.value() if kind in ("type", "choose") else ""
        group = (
            self.dice.choice(("", "", "button", "link"))
            if kind == "press"
            else {"type": "field", "choose": "list", "check": "check"}[kind]
        )
        return Ask(kind, self._absent_name(), group, value, wanted=self.chance(0.7)), past

    def _disabled(self) -> tuple[Ask, list[Past]] | None:
        dead = [n for n in self.operable if not self.node(n).enabled]
        if not dead:
            return None
        index = self.dice.choice(dead)
        return Ask("press", self.shown_name(index), self._group(index)), []

    def _repeated(self) -> dict[tuple[str, str], list[int]]:
        found: dict[tuple[str, str], list[int]] = {}
        for n in self.operable:
            found.setdefault((self.shown_name(n), self.node(n).role), []).append(n)
        return {key: places for key, places in found.items() if len(places) > 1}

    def _alike(self) -> dict[tuple[str, str], list[int]]:
        """Nodes of one role whose names share a first word and go on differently, where none has that word as its name."""
        found: dict[tuple[str, str], list[int]] = {}
        for n in self.operable:
            head, _, tail = self.shown_name(n).partition(" ")
            if tail:
                found.setdefault((head, self.node(n).role), []).append(n)
        names = {self.shown_name(n) for n in self.operable}
        return {key: places for key, places in found.items() if len(places) > 1 and key[0] not in names}

    def _nth(self) -> tuple[Ask, list[Past]] | None:
        repeated = (self.chance(0.35) and self._alike()) or self._repeated()
        if not repeated:
            return None
        (name, role), places = self.dice.choice(list(repeated.items()))
        place = self.dice.choice((1, 1, 1, 2, 2, 3, 4, -1, -1, 5, 6))
        if place > len(places) and self.chance(0.85):
            place = self.dice.choice((1, 2, -1))
        ask = Ask("press", name, _GROUP_OF.get(role, ""), ordinal=place)
        return ask, self._press_past(resolve(ask, self.page.nodes))

    def _free(self) -> tuple[Ask, list[Past]] | None:
        stems: dict[str, int] = {}
        for n in self.of("button"):
            head, _, tail = self.shown_name(n).partition(" ")
            if tail[:1].isdigit():
                stems[head] = stems.get(head, 0) + 1
        several = [stem for stem, count in stems.items() if count > 2]
        if not several:
            return None
        ask = Ask("press", self.dice.choice(several).lower(), "button", free=True)
        return ask, self._press_past(resolve(ask, self.page.nodes))

    def _row(self) -> tuple[Ask, list[Past]] | None:
        repeated = self._repeated()
        if not repeated:
            return None
        (name, role), places = self.dice.choice(list(repeated.items()))
        index = self.dice.choice(places)
        before = [place for place in places if place < index]
        rows = [
            n
            for n in range(before[-1] + 1 if before else max(0, index - 6), index)
            if self.node(n).role in ("text", "cell", "heading")
        ]
        if not rows:
            return None
        anchor = self.shown_name(self.dice.choice(rows[:3]))
        if " " in anchor and self.chance(0.15):
            anchor = " ".join(anchor.split(" ")[1:])
        ask = Ask("press", name, _GROUP_OF.get(role, ""), anchor=anchor)
        return (ask, self._press_past(resolve(ask, self.page.nodes))) if "…" not in anchor else None

    def _maybe(self) -> tuple[Ask, list[Past]] | None:
        if self.chance(0.5) or not self.operable:
            name = self._absent_name()
            return Ask("maybe", name, self.dice.choice(("", "button"))), [self._clicked(None, name)] if self.chance(
                0.35
            ) else []
        index = self.dice.choice(self.operable)
        if not self.node(index).enabled:
            return None
        ask = Ask("maybe", self.shown_name(index), self._group(index))
        return ask, [self._clicked(index)] if self.chance(0.15) else []

    def _until(self) -> tuple[Ask, list[Past]] | None:
        buttons = self.of("button", "link")
        shown = [n for n, node in enumerate(self.page.nodes) if node.role in ("text", "heading", "status")]
        if not buttons:
            return None
        index = self.dice.choice(
            [n for n in buttons if self.shown_name(n).startswith(("Next", "Later", "Forward", "Prev"))] or buttons
        )
        if shown and self.chance(0.4):
            value = self.shown_name(self.dice.choice(shown))
        else:
            tails = [
                name.partition(" ")[2]
                for name in map(self.shown_name, range(len(self.page.nodes)))
                if name[:1].isdigit() and " " in name
            ]
            tails = [
                tail
                for tail in tails
                if tail[:1].isalpha() and not any(mentions(node, tail) for node in self.page.nodes)
            ]
            value = (
                self.words.pick(tails)
                if tails and self.chance(0.6)
                else self.words.month()
                if self.chance(0.6)
                else self._absent_name()
            )
        past = [self._clicked(index)] * self.dice.choice((0, 0, 1, 1, 2, 3, 4, 6, 8, 11))
        return (Ask("until", self.shown_name(index), self._group(index), value), past) if "…" not in value else None

    def _wait(self) -> tuple[Ask, list[Past]] | None:
        if self.chance(0.5) and self.page.nodes:
            value = self.shown_name(self.dice.randrange(len(self.page.nodes)))
        else:
            value = self._absent_name()
        waited = [Past("wait")] * self.dice.choice((0, 0, 0, 1, 1, 2, 3, 5, 8))
        return (Ask("wait", value=value), waited) if "…" not in value else None

    def _type(self) -> tuple[Ask, list[Past]] | None:
        fields = [n for n in self.of(*FIELD_ROLES) if self.node(n).editable]
        if not fields:
            return None
        focused = [n for n in fields if self.node(n).focused]
        index = self.dice.choice(focused if focused and self.chance(0.5) else fields)
        name = self.shown_name(index)
        ask = Ask("type", name if not self.chance(0.08) else self._said(index), "field")
        found = resolve(ask, self.page.nodes)
        node = self.node(found) if found is not None else self.node(index)
        same = bool(node.value) and self.chance(0.3)
        ask = dataclasses.replace(ask, value=node.value if same else self.words.value())
        return ask, self._type_past(node, ask.value, same)

    def _type_past(self, node: Node, value: str, same: bool) -> list[Past]:
        click, triple = Past("left_click", node), Past("triple_click", node)
        typed = Past("type", node if self.chance(0.9) else None, value)
        if self.chance(0.2):
            return [*self.dice.choice(([click], [triple], [click, triple], [])), typed]
        if not node.focused:
            return self.dice.choice(([], [], [], [], [], [click], [triple]))
        if node.value or node.filled:
            return self.dice.choice(([], [click], [triple], [triple], [click, triple]))
        return self.dice.choice(([], [click], [click], [click], [triple]))

    def _choose(self) -> tuple[Ask, list[Past]] | None:
        lists = [n for n in self.of("combobox") if self.shown_name(n) in self.page.options]
        if not lists:
            return None
        index = self.dice.choice(lists)
        node = self.node(index)
        value = self.words.pick(self.page.options[self.shown_name(index)])
        if node.value and self.chance(0.25):
            value = node.value
        click = Past("left_click", node)
        typed, enter = Past("type", node, value), Past("key", text="enter")
        option = Past("left_click", Node(id="", role="option", name=value, rect=_NOWHERE))
        past = self.dice.choice(
            (
                [],
                [],
                [],
                [click],
                [click],
                [click],
                [click, typed],
                [click, typed],
                [click, typed, enter],
                [click, option],
            )
        )
        return Ask("choose", self.shown_name(index), "list", value), list(past)

    def _check(self) -> tuple[Ask, list[Past]] | None:
        boxes = self.of("checkbox", "switch")
        if not boxes:
            return None
        index = self.dice.choice(boxes)
        past = [self._clicked(index)] * self.dice.choice((0, 0, 0, 0, 1, 1, 2)) if self.chance(0.4) else []
        return Ask(
            "check", self._said(index) if self.chance(0.2) else self.shown_name(index), "check", wanted=self.chance(0.6)
        ), past

    def _key(self) -> tuple[Ask, list[Past]] | None:
        keys = self.dice.choice(_KEYS)
        return Ask("key", keys=keys), [Past("key", text="+".join(keys))] if self.chance(0.35) else []

    def _scroll(self) -> tuple[Ask, list[Past]] | None:
        down = self.chance(0.6)
        return Ask("scroll", wanted=down), [Past("scroll down" if down else "scroll up")] if self.chance(0.4) else []


_NOWHERE = Rect(0, 0, 0, 0)
_KINDS: tuple[tuple[str, float], ...] = (
    ("press", 5.0), ("prefix", 1.2), ("gone", 1.2), ("absent", 2.4), ("disabled", 0.9), ("nth", 1.3), ("free", 1.2), ("row", 1.3),
    ("maybe", 1.4), ("until", 1.3), ("wait", 0.6), ("type", 5.6), ("choose", 3.0), ("check", 1.8), ("key", 0.4), ("scroll", 0.3),
)  # fmt: skip


def make_episode(
    pools: Pools, seed: str, count: int, asks: int, words: Split = "train", templates: Split = "train"
) -> Episode:
    """A page of about `count` nodes with `asks` samples. Deterministic in its arguments."""
    dice = random.Random(seed)
    maker = Words(pools.of(words), dice) if words == "held" else Words(_train_pools(pools), dice)
    page = make_page(maker, count)
    asker = _Asker(page, maker, templates)
    names, weights = zip(*_KINDS, strict=True)
    samples: list[Sample] = []
    for _ in range(asks * 4):
        sample = asker.make(dice.choices(names, weights)[0])
        if sample is not None:
            samples.append(sample)
        if len(samples) == asks:
            break
    return Episode(page, samples)


_CACHE: dict[int, Pools] = {}


def _train_pools(pools: Pools) -> Pools:
    return _CACHE.setdefault(id(pools), pools.of("train"))
