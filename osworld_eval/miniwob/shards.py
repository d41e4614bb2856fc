"""Task pages as shards for the reading heads: `python -m osworld_eval.miniwob.shards OUT --seeds 5000000:5000012`.

Oracles play the tasks that are not held out on bare pages, with seeds that no evaluation uses; what stands on the
screen before each act becomes a picture with labels of the shape that `model.training.web.render` writes. Nothing of
the pages is kept in the repository.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from actuators.geometry import Rect
from actuators.observation import Node
from model.training.web.render import reading_script
from osworld_eval.miniwob.oracle import Stuck, oracle_for
from osworld_eval.miniwob.page import AREA, SCALE, Look, NotStarted, how_it_ended, start
from osworld_eval.miniwob.record import FIRST_TRAINING_SEED, NotRecorded, Stage, recordable, seeds_of, trainable
from osworld_eval.miniwob.tasks import LEAVES_TRACES

__all__ = ["labels", "main", "shots"]

_MOST_SHOTS = 4
"""Of one episode; later steps mostly show the same."""
_SAME = 0.5
"""Two boxes that overlap by more than this share of both are one thing."""
_READ = frozenset({"text", "heading", "cell", "status", "alert"})
_ICONS = {
    "trash": "delete", "star": "star", "reply": "reply", "forward": "forward", "close": "close", "closethick": "close",
    "search": "search", "like": "heart", "share": "share", "more": "more", "retweet": "refresh", "prev": "previous",
    "next": "next", "circle-triangle-w": "previous", "circle-triangle-e": "next", "calendar": "calendar",
    "hitarea": "expand",
}  # fmt: skip
"""What the pages call their little pictures, and what the heads call them."""
_SMALL = 64
"""Larger than this in screen pixels is no icon."""
_PICTURES = """icons => [...document.querySelectorAll("body *")].flatMap(el => {
  const words = `${el.className.baseVal ?? el.className} ${el.id}`.split(/\\s+/).flatMap(
    word => [word, word.replace("ui-icon-", ""), word.split("-").pop()]);
  const name = words.find(word => Object.hasOwn(icons, word)), box = el.getBoundingClientRect();
  if (!name || box.width < 4 || box.height < 4) return [];
  const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return hit && (el.contains(hit) || hit.contains(el)) ? [[icons[name], box.left, box.top, box.width, box.height]] : [];
})"""
_UNDERLINED = """points => points.map(([x, y]) => {
  const el = document.elementFromPoint(x, y);
  return !!el && getComputedStyle(el).textDecorationLine.includes("underline");
})"""


def shots(stage: Stage, task: str, seed: int) -> list[tuple[bytes, dict[str, Any]]]:
    """Pictures and labels of one episode, each different from the one before. Raises `NotStarted`."""
    start(stage.page, stage.origin, task, seed, reload=task in LEAVES_TRACES or seed % 20 == 0)
    stage.hand.settle()
    oracle = oracle_for(task, Look(stage.page))
    found: list[tuple[bytes, dict[str, Any]]] = []
    for _ in range(_MOST_SHOTS * 3):
        png = stage.hand.picture()
        if not found or png != found[-1][0]:
            found.append((png, labels(stage, task)))
        action = oracle.next() if len(found) < _MOST_SHOTS else None
        if action is None:
            break
        stage.hand.do(action)
        stage.hand.settle()
        if how_it_ended(stage.page).done:
            break
    return found


def labels(stage: Stage, task: str) -> dict[str, Any]:
    """What can be seen in the task's area, in its pixels: characters, and things with and without a role."""
    read = json.loads(stage.page.evaluate(reading_script()))
    lines = [_scaled(line) for line in read["lines"] if _inside(line["box"])]
    nodes = [_scaled(node) for node in read["nodes"] if _inside(node["box"])]
    known = [_rect(node["box"]) for node in nodes if node["role"] not in _READ]
    more = [
        node
        for node in stage.hand.nodes()
        if node.role not in _READ and _thing(node) and not any(_alike(node.rect, rect) for rect in known)
    ]
    points = [[node.rect.centre.x / SCALE, node.rect.centre.y / SCALE] for node in more]
    under = stage.page.evaluate(_UNDERLINED, points)
    nodes += [_told(node, "link" if lined else "button") for node, lined in zip(more, under, strict=True)]
    _add_icons(stage, nodes, lines)
    size = [AREA.width, AREA.height]
    return {"size": size, "scale": SCALE, "kind": f"miniwob {task}", "lines": lines, "nodes": nodes, "unsure": []}


def _inside(box: Sequence[float]) -> bool:
    return box[0] + box[2] <= AREA.width / SCALE + 1 and box[1] + box[3] <= AREA.height / SCALE + 1


def _scaled(one: dict[str, Any]) -> dict[str, Any]:
    told = {**one, "box": [round(SCALE * part, 1) for part in one["box"]]}
    if "chars" in one:
        told["chars"] = [round(SCALE * x, 1) for x in one["chars"]]
    if one.get("label_box"):
        told["label_box"] = [round(SCALE * part, 1) for part in one["label_box"]]
    return told


def _thing(node: Node) -> bool:
    return min(node.rect.width, node.rect.height) >= 8 and node.rect.area < 0.3 * AREA.rect.area


def _told(node: Node, plain: str) -> dict[str, Any]:
    """A thing that has no role of its own is `plain`."""
    role = plain if node.role in ("generic", "row", "listitem") else node.role
    return _node(role, node.name, [node.rect.left, node.rect.top, node.rect.width, node.rect.height])


def _node(role: str, name: str, box: Sequence[float], icon: str | None = None) -> dict[str, Any]:
    return {"role": role, "name": name, "value": "", "box": box, "states": [], "icon": icon, "label_box": None}


def _rect(box: Sequence[float]) -> Rect:
    return Rect(round(box[0]), round(box[1]), round(box[0] + box[2]), round(box[1] + box[3]))


def _alike(one: Rect, other: Rect) -> bool:
    common = one.intersect(other).area
    return common > _SAME * max(one.area, other.area)


def _add_icons(stage: Stage, nodes: list[dict[str, Any]], lines: Sequence[dict[str, Any]]) -> None:
    """Little pictures that can be pressed: named on the small thing they stand on, or as things of their own."""
    for icon, *css in stage.page.evaluate(_PICTURES, _ICONS):
        box = [round(SCALE * part, 1) for part in css]
        rect = _rect(box)
        if max(box[2:]) > _SMALL or not _inside(css) or any(rect.contains(_rect(line["box"]).centre) for line in lines):
            continue
        holder = next((n for n in nodes if max(n["box"][2:]) <= _SMALL and _rect(n["box"]).contains(rect.centre)), None)
        if holder is None:
            nodes.append(_node("button", "", box, icon))
        elif holder["role"] not in _READ:
            holder["icon"] = icon


def write(out: Path, tasks: Sequence[str], seeds: range, number: int) -> int:
    """One shard for each task, from `number` on; a shard that exists is kept. Returns how many pictures were made."""
    out.mkdir(parents=True, exist_ok=True)
    made = 0
    with Stage() as stage:
        for offset, task in enumerate(recordable(tasks, seeds)):
            path = out / f"shard-{number + offset:05d}.zip"
            if path.exists():
                continue
            part = path.with_suffix(".part")
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as store:
                made += _fill(store, stage, task, seeds)
            part.replace(path)
            print(f"{task:<32}{made:>6} pictures", flush=True)
    return made


def _fill(store: zipfile.ZipFile, stage: Stage, task: str, seeds: range) -> int:
    count = 0
    for seed in seeds:
        try:
            taken = shots(stage, task, seed)
        except (NotStarted, Stuck) as problem:
            print(f"{task} {seed}: {problem}", file=sys.stderr)
            continue
        for png, told in taken:
            store.writestr(f"{count:04d}.png", png)
            store.writestr(f"{count:04d}.json", json.dumps(told, ensure_ascii=False, separators=(",", ":")))
            count += 1
    return count


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Exit 2 for tasks or seeds that training must not see."""
    parser = argparse.ArgumentParser(
        prog="python -m osworld_eval.miniwob.shards", description="Task pages as training shards."
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--tasks", nargs="*", default=(), help="names; without it all but those held out")
    parser.add_argument("--seeds", default=f"{FIRST_TRAINING_SEED}:{FIRST_TRAINING_SEED + 12}", help="FIRST:END")
    given = parser.parse_args(arguments)
    try:
        tasks, seeds = given.tasks or trainable(), seeds_of(given.seeds)
        made = write(given.out, tasks, seeds, 0)
    except (ValueError, NotRecorded) as problem:
        print(f"shards: {problem}", file=sys.stderr)
        return 2
    print(f"{made} pictures in {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
