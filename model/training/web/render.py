"""Renders pages of chance with Chromium into shards of pictures and labels.

    python -m model.training.web.render OUT --pages 6000 --seed 1 --split train --workers 2 --icons FOLDER

A shard is a ZIP file with `0000.png` and `0000.json` and so on. The same seed, machine, browser, fonts and icons give the
same shards; a shard that exists is not made again. Labels are in picture pixels, origin top-left, and name only what can be
seen: nothing covered, clipped or scrolled away. Shape of a label file:

    {"size": [W, H], "scale": s, "kind": "site form table", "lines": [{"text", "box": [x, y, w, h], "chars": [cx, ...]}],
     "nodes": [{"role", "name", "value", "box", "states", "icon", "label_box", "row"?, "section"?}], "unsure": [names]}

`lines` are the drawn characters with the centre of each (`veiled` where they shine through the ground of a dialog, `field`
where they stand in a field); `unsure` names what is only partly visible and is therefore not among the nodes.
"""

from __future__ import annotations

import argparse
import base64
import json
import multiprocessing
import os
import random
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from model.training.web.icons import Icons
from model.training.web.templates import KINDS, Draft, Splits, View, compose
from model.training.words import Pools, Split, default_pools
from sandboxes.base import SandboxUnavailable
from sandboxes.chromium import Chromium

__all__ = ["SHARD_PAGES", "Camera", "Shot", "camera", "draft", "main", "make_shard", "page_seed", "reading_script"]

SHARD_PAGES = 200


@cache
def reading_script() -> str:
    """A function that reads from a rendered page where every drawn character and every control is, as JSON text."""
    return Path(__file__).with_name("reader.js").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Shot:
    """A rendered page: its picture as PNG bytes and its labels."""

    png: bytes
    labels: dict[str, Any]


class Camera:
    """One browser tab that takes pictures of drafts."""

    def __init__(self, browser: Chromium) -> None:
        self._page = browser.new_page()
        self._wire = browser.context.new_cdp_session(self._page)
        self._frame = self._wire.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self._view: View | None = None

    def shoot(self, draft: Draft) -> Shot:
        """Render, read, picture."""
        self.show(draft)
        read = json.loads(self._page.evaluate(reading_script()))
        return Shot(self.picture(), self._labels(draft, read))

    def show(self, draft: Draft) -> None:
        """Lay the page out in its viewport, scrolled and focused as drafted."""
        if self._view != draft.view:
            self._view = draft.view
            size = {"width": draft.view.width, "height": draft.view.height, "deviceScaleFactor": draft.view.scale}
            self._wire.send("Emulation.setDeviceMetricsOverride", {**size, "mobile": False})
        self._wire.send("Page.setDocumentContent", {"frameId": self._frame, "html": draft.html})
        self._page.evaluate(
            "y => {scrollTo(0, y); const el = document.querySelector('[data-focus]'); if (el) el.focus({preventScroll: true});}",
            draft.scroll,
        )

    def picture(self) -> bytes:
        """What is on the screen, PNG."""
        shot = self._wire.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})
        return base64.b64decode(shot["data"])

    def evaluate(self, script: str) -> Any:
        """Run a script in the page."""
        return self._page.evaluate(script)

    def _labels(self, draft: Draft, read: dict[str, Any]) -> dict[str, Any]:
        scale = draft.view.scale
        width, height = draft.view.size

        def box(given: Sequence[float] | None) -> list[float] | None:
            if given is None:
                return None
            left, top = max(0.0, given[0] * scale), max(0.0, given[1] * scale)
            right, bottom = min(width, (given[0] + given[2]) * scale), min(height, (given[1] + given[3]) * scale)
            return [round(one, 1) for one in (left, top, max(0.0, right - left), max(0.0, bottom - top))]

        for line in read["lines"]:
            line["box"] = box(line["box"])
            line["chars"] = [round(min(max(0.0, x * scale), width), 1) for x in line["chars"]]
        for node in read["nodes"]:
            node["box"], node["label_box"] = box(node["box"]), box(node["label_box"])
        return {"size": [width, height], "scale": scale, "kind": draft.kind, **read}


@contextmanager
def camera() -> Iterator[Camera]:
    """A camera with a browser of its own that loads nothing from anywhere. Raises `SandboxUnavailable`."""
    with Chromium(may_load=lambda url, method, kind: False) as browser:
        yield Camera(browser)


def page_seed(seed: int, number: int) -> int:
    """The seed of one page of a run."""
    return seed * 1_000_003 + number


@cache
def _pools(split: Split) -> Pools:
    return default_pools().of(split)


def draft(seed: int, splits: Splits, icons: Icons, view: View | None = None, kinds: Sequence[str] = ()) -> Draft:
    """The page that a seed stands for."""
    return compose(random.Random(seed), _pools(splits.words), icons, splits, view, kinds=kinds)


def make_shard(
    out: Path,
    shard: int,
    seed: int,
    splits: Splits,
    icons: Icons,
    lens: Camera,
    pages: int = SHARD_PAGES,
    kinds: Sequence[str] = (),
) -> Path:
    """Write one shard, or leave it as it is where it exists. Returns its path."""
    path = out / f"shard-{shard:05d}.zip"
    if path.exists():
        return path
    part = path.with_suffix(f".part{os.getpid()}")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as store:
            for number in range(pages):
                shot = lens.shoot(draft(page_seed(seed, shard * SHARD_PAGES + number), splits, icons, kinds=kinds))
                store.writestr(f"{number:04d}.png", shot.png)
                store.writestr(f"{number:04d}.json", json.dumps(shot.labels, ensure_ascii=False, separators=(",", ":")))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _work(job: tuple[Path, Sequence[int], int, Splits, Path | None, Sequence[str]]) -> None:
    out, shards, seed, splits, folder, kinds = job
    icons = Icons(folder, splits.icons)
    started, made = time.monotonic(), 0
    parent = os.getppid()
    with camera() as lens:
        for shard in shards:
            if os.getppid() != parent:
                return  # whoever asked for the shards is gone
            if not (out / f"shard-{shard:05d}.zip").exists():
                make_shard(out, shard, seed, splits, icons, lens, kinds=kinds)
                made += SHARD_PAGES
                print(f"shard {shard:05d}, {made / (time.monotonic() - started):.1f} pages/s", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit code: 0 fine, 1 no browser, 2 misuse."""
    parser = argparse.ArgumentParser(
        prog="python -m model.training.web.render", description="Chromium pages as training shards"
    )
    parser.add_argument("out", type=Path, help="folder for the shards; those that exist are kept")
    parser.add_argument("--pages", type=int, default=6000, help=f"how many in all, in shards of {SHARD_PAGES}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--split", choices=("train", "held"), default="train", help="which words, fonts, palettes, templates and icons"
    )
    parser.add_argument("--workers", type=int, default=1, help="browsers at once")
    parser.add_argument(
        "--icons", type=Path, default=None, help="folder of npm icon packages; without it pages have no icons"
    )
    parser.add_argument(
        "--kinds", nargs="+", choices=KINDS, default=(), help="page kinds; without it the usual mixture (no walls)"
    )
    given = parser.parse_args(argv)
    if given.pages < 1 or given.workers < 1:
        parser.error("--pages and --workers must be at least 1")
    if given.icons and not Icons(given.icons, given.split):
        parser.error(
            f"--icons: no icon package under `{given.icons}`; try `npm install --prefix {given.icons} @tabler/icons lucide-static`"
        )
    split: Split = given.split
    splits = Splits(split, split, split, split, split)
    try:
        given.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"cannot write to `{given.out}`: {error.strerror}")
    default_pools()
    shards = range(-(-given.pages // SHARD_PAGES))
    jobs = [
        (given.out, list(shards[n :: given.workers]), given.seed, splits, given.icons, tuple(given.kinds))
        for n in range(given.workers)
    ]
    try:
        if given.workers == 1:
            _work(jobs[0])
        else:
            with multiprocessing.get_context("spawn").Pool(given.workers) as pool:
                pool.map(_work, jobs)
    except SandboxUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
