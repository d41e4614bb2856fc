"""Held-out pages with instructions, to measure how well things are found on a screen.

    python -m model.training.web.exam OUT --pages 40 --set words --icons FOLDER [--nodes]

Each set differs from what was trained on in one thing only (`words`, `fonts`, `palettes`, `templates`, `icons`), `all` in
all of them. OUT gets `images/` and `annotations.json`, a list of

    {"img_filename", "bbox": [x, y, w, h] in pixels or null, "instruction", "data_type": "text" | "icon", "data_source",
     "kind", "role"}

`bbox` is null where the thing asked for is not on the screen. With `--nodes`, `nodes.json` lists for every picture what
could be operated or read there. An instruction is asked only where exactly one visible thing answers it; what is partly
covered is never asked for and never said to be absent.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.training import labels
from model.training.web.icons import MEANINGS, Icons
from model.training.web.render import Camera, Shot, camera
from model.training.web.templates import Splits, View, compose
from model.training.words import Words, default_pools
from sandboxes.base import SandboxUnavailable

__all__ = ["SETS", "Question", "main", "questions", "write_exam"]

SETS: dict[str, Splits] = {
    "words": Splits(words="held"),
    "fonts": Splits(fonts="held"),
    "palettes": Splits(palettes="held"),
    "templates": Splits(templates="held"),
    "icons": Splits(icons="held"),
    "all": Splits("held", "held", "held", "held", "held"),
}
"""What is held out in each set."""

PER_PAGE = 8
_VIEW = View(1280, 800, 1)
_READ = ("text", "heading", "image", "cell", "columnheader", "icon")
_FIELDS = ("textbox", "searchbox", "spinbutton")
_TICKS = ("checkbox", "radio", "switch")
_SAID = {
    "menuitem": "menu entry", "menuitemcheckbox": "menu entry", "textbox": "field", "searchbox": "field", "spinbutton": "field",
    "combobox": "list", "radio": "radio button", "treeitem": "tree entry",
}  # fmt: skip
_ALIKE = (
    {"back", "previous", "reply", "undo", "login", "logout"}, {"forward", "next", "redo", "share", "external", "login", "logout"},
    {"expand", "down", "sort", "download"}, {"collapse", "up", "upload"}, {"user", "users"}, {"mail", "inbox", "send", "chat"}, {"cart", "bag"},
    {"more", "more-vertical"}, {"menu", "list", "align-left"}, {"eye", "hide"}, {"lock", "unlock", "key", "shield"}, {"volume", "mute"},
    {"file", "copy", "paste", "book"}, {"globe", "language"}, {"help", "info", "warning"}, {"camera", "video", "image"}, {"add", "zoom-in"},
    {"remove", "zoom-out"}, {"search", "zoom-in", "zoom-out"}, {"grid", "table", "qr"}, {"play", "next", "skip"}, {"clock", "refresh", "calendar"},
    {"location", "pin", "map"}, {"sun", "settings", "contrast"}, {"save", "folder", "archive", "inbox"}, {"filter", "sort", "settings"},
    {"bookmark", "flag", "tag"}, {"heart", "star", "thumbs-up"},
)  # fmt: skip
"""Meanings whose drawings can be taken for each other; one of them present forbids to call another absent."""
_ORDINALS = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True)
class Question:
    """One instruction with its answer; `box` is None where nothing on the screen answers it."""

    instruction: str
    box: tuple[float, float, float, float] | None
    kind: str
    role: str
    icon: bool

    def as_entry(self, picture: str, source: str) -> dict[str, Any]:
        return {
            "img_filename": picture,
            "bbox": None if self.box is None else [round(one, 1) for one in self.box],
            "instruction": self.instruction,
            "data_type": "icon" if self.icon else "text",
            "data_source": source,
            "kind": self.kind,
            "role": self.role,
        }


Node = dict[str, Any]


class _Page:
    """What is on one picture, looked up in the ways that instructions need."""

    def __init__(self, page: dict[str, Any], dice: random.Random, words: Words) -> None:
        self.dice = dice
        self.words = words
        self.lines = [line for line in page["lines"] if not line.get("veiled")]
        self.nodes: list[Node] = [node for node in page["nodes"] if node["role"] not in _READ]
        self.unsure = {name.casefold() for name in page["unsure"]}
        self.drawn = {line["text"].casefold() for line in page["lines"]}
        self.every = [node["name"].casefold() for node in self.nodes]
        self.icons = [node["icon"] for node in page["nodes"] if node["icon"]]
        self.said = " | ".join([*self.drawn, *self.every, *self.unsure])

    def named(self) -> list[Node]:
        """Operable nodes whose whole name is drawn on them or on their label."""
        return [node for node in self.nodes if node["name"] and len(node["name"]) <= 45 and self._is_drawn(node)]

    def alone(self, node: Node, same_role: bool = False) -> bool:
        name = node["name"].casefold()
        rivals = [
            one for one in self.nodes if one["name"].casefold() == name and (not same_role or _said(one) == _said(node))
        ]
        # a number or a letter may stand elsewhere as plain text
        plain = len(name) > 3 or sum(name == line["text"].casefold() for line in self.lines) == 1
        return len(rivals) == 1 and name not in self.unsure and plain

    def _is_drawn(self, node: Node) -> bool:
        boxes = [box for box in (node["box"], node["label_box"]) if box]
        mine = " ".join(line["text"] for line in self.lines if any(_holds(box, line["box"]) for box in boxes))
        return node["name"].casefold() in " ".join(mine.casefold().split())

    def shows(self, text: str) -> bool:
        return text.casefold() in self.drawn

    def rivals(self, meaning: str, absent: bool = False) -> bool:
        """Whether something else could be meant by an icon: the same or a like drawing, or its usual names in words."""
        alike = set().union({meaning}, *(group for group in _ALIKE if meaning in group))
        present = sum(one in alike for one in self.icons)
        return present > (0 if absent else 1) or any(name.casefold() in self.unsure for name in MEANINGS[meaning])

    def pick(self, *options: str) -> str:
        return self.dice.choice(options)

    def quoted(self, name: str) -> str:
        return self.pick(f'"{name}"', name, f"'{name}'", f'"{name}"')


_STATES = frozenset({"focused", "checked", "selected", "expanded", "disabled"})


def _listed(node: dict[str, Any]) -> dict[str, Any]:
    """A node as `nodes.json` has it: whole pixels, and the states that a node list can tell."""
    x, y, width, height = node["box"]
    left, top = round(x), round(y)
    box = [left, top, max(1, round(x + width) - left), max(1, round(y + height) - top)]
    states = [state for state in node["states"] if state in _STATES]
    return {"role": node["role"], "name": node["name"], "value": node["value"], "states": states, "box": box}


def _holds(outer: Sequence[float], inner: Sequence[float]) -> bool:
    x, y = inner[0] + inner[2] / 2, inner[1] + inner[3] / 2
    return bool(outer[0] - 1 <= x <= outer[0] + outer[2] + 1 and outer[1] - 1 <= y <= outer[1] + outer[3] + 1)


def _said(node: Node) -> str:
    role: str = node["role"]
    return _SAID.get(role, role)


def _bare_icon(node: Node) -> bool:
    return bool(node["icon"]) and not node.get("text")


def _answer(node: Node) -> tuple[float, float, float, float]:
    """The box that does what is asked; of a ticked thing with a real label the label too."""
    x, y, w, h = node["box"]
    label = node["label_box"]
    if label and node.get("label_works"):
        left, top = min(x, label[0]), min(y, label[1])
        return left, top, max(x + w, label[0] + label[2]) - left, max(y + h, label[1] + label[3]) - top
    return x, y, w, h


def _by_name(page: _Page) -> Iterator[Question]:
    for node in page.named():
        if page.alone(node) and node["role"] not in (*_FIELDS, *_TICKS, "combobox", "slider"):
            name = page.quoted(node["name"])
            text = page.pick(
                f"Click {name}",
                f"Press {name}",
                f"Click on {name}",
                name,
                f"Choose {name}",
                f"Go to {name}" if node["role"] == "link" else f"Tap {name}",
            )
            yield Question(text, _answer(node), "name", node["role"], False)


def _by_role(page: _Page) -> Iterator[Question]:
    for node in page.named():
        if page.alone(node, same_role=True) and node["role"] not in (*_FIELDS, *_TICKS, "combobox"):
            name, role = page.quoted(node["name"]), _said(node)
            text = page.pick(
                f"Click the {name} {role}",
                f"the {name} {role}",
                f"Press the {role} {name}",
                f"Use the {role} labelled {name}",
            )
            yield Question(text, _answer(node), "role", node["role"], False)


def _by_relation(page: _Page) -> Iterator[Question]:
    for node in page.nodes:
        row = node.get("row", "")
        if not row or not page.shows(row) or node["name"].casefold() == row.casefold():
            continue
        rivals = [one for one in page.nodes if one.get("row") == row and _said(one) == _said(node)]
        holder = page.quoted(row)
        if _bare_icon(node) and [one["icon"] for one in rivals].count(node["icon"]) == 1:
            what = page.pick(*MEANINGS[node["icon"]]).lower()
            text = page.pick(
                f"the {what} icon in the row of {holder}",
                f"Press the {what} icon for {holder}",
                f"Click {what} beside {holder}",
            )
            yield Question(text, _answer(node), "relation", node["role"], True)
        elif node["role"] in _TICKS and len(rivals) == 1:
            text = page.pick(f"the {_said(node)} beside {holder}", f"Click the {_said(node)} in the row of {holder}")
            yield Question(text, _answer(node), "relation", node["role"], False)
        elif node.get("text") and [one["name"] for one in rivals].count(node["name"]) == 1 and node in page.named():
            name, role = node["name"], _said(node)
            text = page.pick(
                f"the {name} {role} in the row of {holder}",
                f"Click {name} for {holder}",
                f"Press {name} next to {holder}",
                f"{name} of {holder}",
            )
            yield Question(text, _answer(node), "relation", node["role"], False)
    yield from _by_section(page)


def _by_section(page: _Page) -> Iterator[Question]:
    for node in page.named():
        section = node.get("section", "")
        same = [one for one in page.nodes if one["name"].casefold() == node["name"].casefold()]
        if (
            section
            and page.shows(section)
            and len(same) > 1
            and [one.get("section") for one in same].count(section) == 1
            and not node.get("row")
        ):
            text = page.pick(
                f"the {node['name']} {_said(node)} under {page.quoted(section)}",
                f"{node['name']} in the part {page.quoted(section)}",
            )
            yield Question(text, _answer(node), "relation", node["role"], False)


def _rows(nodes: Sequence[Node]) -> list[list[Node]] | None:
    """The nodes in lines from top to bottom, each from left to right; None where nobody could say what stands on one line."""
    rows: list[list[Node]] = []
    for node in sorted(nodes, key=_middle):
        step = _middle(node) - _middle(rows[-1][-1]) if rows else 1000.0
        if step > 0.9 * node["box"][3]:
            rows.append([node])
        elif step <= 4:
            rows[-1].append(node)
        else:
            return None
    return [sorted(row, key=lambda node: node["box"][0]) for row in rows]


def _middle(node: Node) -> float:
    return float(node["box"][1] + node["box"][3] / 2)


def _by_position(page: _Page) -> Iterator[Question]:
    groups: dict[tuple[str, str], list[Node]] = {}
    for node in page.named():
        groups.setdefault((node["name"], _said(node)), []).append(node)
    for (name, role), nodes in groups.items():
        other = [one for one in page.nodes if one["name"].casefold() == name.casefold()]
        rows = _rows(nodes)
        if not rows or not 2 <= len(nodes) == len(other) or name.casefold() in page.unsure:
            continue
        way = " from the left" if len(rows) == 1 else " from the top" if len(rows) == len(nodes) else ""
        ordered = [node for row in rows for node in row]
        for place, node in enumerate(ordered[: len(_ORDINALS)]):
            text = page.pick(
                f"the {_ORDINALS[place]} {name} {role}{way}", f"Click the {_ORDINALS[place]} {name} {role}{way}"
            )
            yield Question(
                text if page.dice.random() < 0.6 else text.removesuffix(way),
                _answer(node),
                "position",
                node["role"],
                False,
            )
        yield Question(f"the last {name} {role}", _answer(ordered[-1]), "position", ordered[-1]["role"], False)
    yield from _corners(page)


def _corners(page: _Page) -> Iterator[Question]:
    for say, x, y in (("top right", 1280, 0), ("top left", 0, 0), ("bottom right", 1280, 800), ("bottom left", 0, 800)):
        for what, nodes in (
            ("icon", [one for one in page.nodes if _bare_icon(one)]),
            ("field", [one for one in page.nodes if one["role"] in _FIELDS]),
        ):
            near = sorted(
                (
                    (abs(one["box"][0] + one["box"][2] / 2 - x) + abs(one["box"][1] + one["box"][3] / 2 - y), n)
                    for n, one in enumerate(nodes)
                )
            )
            if len(near) > 1 and near[1][0] - near[0][0] > 30 and near[0][0] < 500:
                node = nodes[near[0][1]]
                yield Question(
                    page.pick(f"the {say} {what}", f"Click the {what} at the {say}"),
                    _answer(node),
                    "position",
                    node["role"],
                    what == "icon",
                )


def _by_icon(page: _Page) -> Iterator[Question]:
    for node in page.nodes:
        meaning = node["icon"]
        if _bare_icon(node) and node["role"] in ("button", "link", "menuitem", "tab") and not page.rivals(meaning):
            what = page.pick(meaning.replace("-", " "), *MEANINGS[meaning]).lower()
            yield Question(
                page.pick(f"the {what} icon", f"Click the {what} icon", f"Press the {what} button", f"Click {what}"),
                _answer(node),
                "icon",
                node["role"],
                True,
            )


def _by_typing(page: _Page) -> Iterator[Question]:
    for node in page.named():
        if node["role"] in _FIELDS and page.alone(node, same_role=True):
            name = page.quoted(node["name"])
            value = page.words.value()
            text = page.pick(
                f"the {name} field",
                f'Type "{value}" into the {name} field',
                f"Enter {value} as {name}",
                f"Click into the field {name}",
                f"Fill in {name}",
            )
            yield Question(text, _answer(node), "type", node["role"], False)


def _by_choice(page: _Page) -> Iterator[Question]:
    for node in page.named():
        if node["role"] == "combobox" and page.alone(node, same_role=True):
            name = page.quoted(node["name"])
            text = page.pick(
                f"Open the list {name}", f"the {name} list", f"Choose another {name}", f"Open the {name} drop-down"
            )
            yield Question(text, _answer(node), "select", node["role"], False)


def _by_tick(page: _Page) -> Iterator[Question]:
    for node in page.named():
        if node["role"] in _TICKS and page.alone(node, same_role=True):
            name, on = page.quoted(node["name"]), "checked" in node["states"]
            verbs = ("Untick", "Uncheck", "Switch off") if on else ("Tick", "Check", "Turn on")
            verb = verbs[2] if node["role"] == "switch" else page.pick(*verbs[:2])
            text = (
                f"Select {name}"
                if node["role"] == "radio"
                else page.pick(f"{verb} {name}", f"{verb} the {_said(node)} {name}", f"the {_said(node)} {name}")
            )
            yield Question(text, _answer(node), "check", node["role"], False)


def _absent(page: _Page) -> Iterator[Question]:
    """Endless: near misses of what is there, other names, other rows, other icons."""
    usual = (*labels.BUTTONS, *labels.LINKS)
    named = page.named()
    meanings = [one for one in MEANINGS if not page.rivals(one, absent=True)]
    while True:
        node = page.dice.choice(named) if named else None
        draw = page.dice.random()
        if node and draw < 0.4:
            name = _near_miss(page, node["name"])
            text = page.pick(
                f"Click the {page.quoted(name)} {_said(node)}",
                f"Click {page.quoted(name)}",
                f"the {page.quoted(name)} {_said(node)}",
            )
        elif draw < 0.7:
            name = page.words.phrase(3) if page.dice.random() < 0.6 else page.dice.choice(usual)
            text = page.pick(
                f"Click {page.quoted(name)}",
                f"Press the {page.quoted(name)} button",
                f"the {page.quoted(name)} link",
                f"the {page.quoted(name)} field",
            )
        elif node and node.get("row") and draw < 0.82:
            name = page.words.person()
            text = f"the {node['name']} {_said(node)} in the row of {page.quoted(name)}"
        elif meanings and draw >= 0.82:
            meaning = page.dice.choice(meanings)
            name = page.dice.choice(MEANINGS[meaning])
            text = page.pick(f"the {name.lower()} icon", f"Click the {meaning.replace('-', ' ')} icon")
            if name.casefold() not in page.said:
                yield Question(text, None, "absent", "button", True)
            continue
        else:
            continue
        if len(name) > 2 and name.casefold() not in page.said:
            yield Question(text, None, "absent", _role_in(text), False)


def _role_in(text: str) -> str:
    return next(
        (role for role in ("link", "field", "list", "tab", "checkbox", "switch", "button") if text.endswith(role)),
        "button",
    )


def _near_miss(page: _Page, name: str) -> str:
    """A name that resembles one that is there: a word more, less or exchanged, or a changed letter."""
    parts = name.split()
    draw = page.dice.random()
    if len(parts) > 1 and draw < 0.35:
        parts[page.dice.randrange(len(parts))] = page.words.word()
    elif draw < 0.6:
        parts.append(page.words.word())
    elif len(parts) > 1 and draw < 0.7:
        parts.pop(page.dice.randrange(len(parts)))
    else:
        letters = list(name)
        spot = page.dice.randrange(len(letters))
        letters[spot] = page.dice.choice("abcdefghiklmnoprstuvwyz")
        return "".join(letters)
    return " ".join(parts)


_KINDS: dict[str, tuple[Callable[[_Page], Iterator[Question]], float]] = {
    "name": (_by_name, 0.27), "role": (_by_role, 0.13), "relation": (_by_relation, 0.15), "position": (_by_position, 0.11),
    "icon": (_by_icon, 0.11), "type": (_by_typing, 0.1), "select": (_by_choice, 0.05), "check": (_by_tick, 0.08),
}  # fmt: skip


def questions(page: dict[str, Any], dice: random.Random, words: Words, count: int = PER_PAGE) -> list[Question] | None:
    """Instructions about a labelled page, about 15 % of them without an answer; None where the page gives too few."""
    seen = _Page(page, dice, words)
    pools = {kind: list(make(seen)) for kind, (make, _) in _KINDS.items()}
    absent = 1 + (dice.random() < 0.2)
    chosen: list[Question] = []
    used: set[tuple[float, ...]] = set()
    while len(chosen) < count - absent:
        kinds = [kind for kind, pool in pools.items() if pool]
        if not kinds:
            return None
        kind = dice.choices(kinds, [_KINDS[one][1] for one in kinds])[0]
        question = pools[kind].pop(dice.randrange(len(pools[kind])))
        if question.box in used:
            continue
        used.add(question.box or ())
        chosen.append(question)
    missing = _absent(seen)
    chosen += [next(missing) for _ in range(absent)]
    dice.shuffle(chosen)
    return chosen


def _pages(chosen: str, seed: int, icons: Icons, lens: Camera, count: int) -> Iterator[tuple[Shot, list[Question]]]:
    splits = SETS[chosen]
    pools = default_pools().of(splits.words)
    number = 0
    while count:
        dice = random.Random(f"exam {chosen} {seed} {number}")
        number += 1
        shot = lens.shoot(compose(dice, pools, icons, splits, _VIEW))
        asked = questions(shot.labels, dice, Words(pools, dice))
        if asked:
            count -= 1
            yield shot, asked


def write_exam(out: Path, chosen: str, count: int, seed: int, icons: Icons, lens: Camera, nodes: bool = False) -> int:
    """Write one set; returns how many instructions it has."""
    (out / "images").mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, Any]] = []
    listed: dict[str, list[Node]] = {}
    for number, (shot, asked) in enumerate(_pages(chosen, seed, icons, lens, count)):
        name = f"{chosen}-{number:03d}.png"
        (out / "images" / name).write_bytes(shot.png)
        entries += [question.as_entry(name, f"chromium-{chosen}") for question in asked]
        listed[name] = [_listed(node) for node in shot.labels["nodes"]]
    (out / "annotations.json").write_text(json.dumps(entries, ensure_ascii=False, indent=1), encoding="utf-8")
    if nodes:
        (out / "nodes.json").write_text(json.dumps(listed, ensure_ascii=False), encoding="utf-8")
    return len(entries)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit code: 0 fine, 1 no browser, 2 misuse."""
    parser = argparse.ArgumentParser(
        prog="python -m model.training.web.exam", description="Held-out pages with instructions"
    )
    parser.add_argument("out", type=Path, help="folder for the set")
    parser.add_argument("--pages", type=int, default=40, help=f"pages, {PER_PAGE} instructions each")
    parser.add_argument("--set", choices=tuple(SETS), default="all", dest="chosen", help="what differs from training")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--icons", type=Path, default=None, help="folder of npm icon packages; without it pages have no icons"
    )
    parser.add_argument(
        "--nodes",
        action="store_true",
        help="write nodes.json too: what the pages list for the way of seeing with nodes",
    )
    given = parser.parse_args(argv)
    if given.pages < 1:
        parser.error("--pages must be at least 1")
    icons = Icons(given.icons, SETS[given.chosen].icons)
    if given.icons and not icons:
        parser.error(
            f"--icons: no icon package under `{given.icons}`; try `npm install --prefix {given.icons} @tabler/icons ionicons`"
        )
    try:
        given.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"cannot write to `{given.out}`: {error.strerror}")
    try:
        with camera() as lens:
            count = write_exam(given.out, given.chosen, given.pages, given.seed, icons, lens, given.nodes)
    except SandboxUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{count} instructions on {given.pages} pages in {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
