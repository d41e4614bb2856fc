"""Teach the vision tower of a checkpoint to read, or go on where an earlier run stopped.

    python -m model.training.reading.run --data /tmp/web-data/train --out model/pilot --minutes 80

Trains the tower's blocks and the reading heads on tiles of rendered pages and of drawn text, and joins both with the
decoder of `--base` into the checkpoint folder `--out`. Heads that the base already has are gone on with; `--teach`
leaves the tower, or also what reads text, as it is. Deterministic by seed for a given number of steps (`--steps`); with
`--minutes` the schedule follows the clock.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import Qwen3VLForConditionalGeneration

from model.reading import reader
from model.reading.alphabet import Alphabet, read_alphabet
from model.reading.heads import TEXT, Dense, Heads, levels
from model.reading.tiles import flat_patches
from model.training import curves
from model.training.join import TOWER, join
from model.training.optimiser import Optimiser
from model.training.reading.drawn import draw_tile
from model.training.reading.losses import collate, judge
from model.training.reading.shards import PagePool, Tile
from model.training.words import Pools, Words, default_pools
from model.training.work import expect_checkpoint, keep_state, kept_state, progress_of, train

__all__ = ["Options", "Reading", "Trainer", "main"]

Batch = tuple[tuple[int, int], list[Tile]]
"""The shape of the tiles of one step, and the tiles."""

GRIDS = ((10, 42), (10, 42), (10, 42), (14, 20), (10, 20), (12, 34))
"""Shapes of tiles, in patches; one shape a step. The first is what the runtime cuts a large screen into."""


def course(progress: float) -> tuple[float, float]:
    """The share of drawn tiles and their difficulty at a point of the schedule."""
    if progress < 0.08:
        return 1.0, 0.0
    if progress < 0.4:
        return 0.6, (progress - 0.08) / 0.32
    return (0.45, 1.0) if progress < 0.6 else (0.25, 1.0)


@dataclass(frozen=True)
class Options:
    """Everything that decides a run."""

    data: tuple[Path, ...]
    out: Path
    work: Path
    base: Path
    minutes: float = 60.0
    steps: int = 0
    """0 lets the clock decide."""
    seed: int = 1
    rate: float = 2e-3
    patches: int = 3400
    """Patches of one step."""
    workers: int = 2
    begin: float = 0.0
    """Where in the course of `course` the run begins; a tower that reads already need not begin with one font."""
    teach: Literal["all", "heads", "things"] = "all"
    """The tower too, the heads alone, or of the heads those alone that know things."""
    every_s: float = 240.0


class Reading(nn.Module):
    """A checkpoint's tower with reading heads on it."""

    def __init__(self, visual: nn.Module, alphabet: Alphabet, teach: str) -> None:
        super().__init__()
        self.visual, self.teach = visual, teach
        config: Any = visual.config
        self.heads = Heads(config.hidden_size, config.depth, alphabet)

    def forward(self, patches: Tensor, grid: tuple[int, int]) -> Dense:
        with torch.set_grad_enabled(self.teach == "all"):
            seen = levels(self.visual, patches, grid)
        said: Dense = self.heads(seen, patches, grid)
        return said

    def taught(self, name: str) -> bool:
        """Whether a parameter of this name is to change."""
        part, _, rest = name.partition(".")
        if part == "visual":
            return self.teach == "all" and "merger" not in name
        return self.teach != "things" or rest.split(".")[0] not in TEXT

    def train(self, mode: bool = True) -> Reading:
        """As any module, but that what is not taught keeps its averages."""
        super().train(mode)
        if self.teach == "things":
            for name in TEXT:
                getattr(self.heads, name).eval()
        return self


def begin_with(heads: nn.Module, earlier: dict[str, Tensor]) -> None:
    """Take over from other heads what has the same shape here."""
    mine = heads.state_dict()
    heads.load_state_dict(
        {
            name: earlier[name] if name in earlier and earlier[name].shape == value.shape else value
            for name, value in mine.items()
        }
    )


class Trainer:
    """Holds the tower, the heads, the optimiser and what has been seen so far."""

    def __init__(self, options: Options, alphabet: Alphabet, pools: Pools) -> None:
        self.options, self.alphabet = options, alphabet
        torch.manual_seed(options.seed)
        network = Qwen3VLForConditionalGeneration.from_pretrained(options.base, dtype=torch.float32)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = Reading(network.model.visual, alphabet, options.teach)
        if reader.has_reader(options.base) and read_alphabet(options.base) == alphabet:
            begin_with(self.model.heads, load_file(options.base / reader.WEIGHTS))
        self.model.to(self.device, torch.bfloat16).train()
        for module in self.model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.float()
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(self.model.taught(name))
        taught = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
        self.optimiser = Optimiser(taught, average=0.997)
        self.pool = PagePool(options.data, alphabet)
        self.pools = pools.of("train")
        self.threads = ThreadPoolExecutor(options.workers)
        self.ahead = ThreadPoolExecutor(1)
        self.coming: Future[Batch] | None = None
        self.steps, self.elapsed = 0, 0.0
        self.log: list[dict[str, Any]] = []

    @property
    def progress(self) -> float:
        return progress_of(self.steps, self.options.steps, self.elapsed, self.options.minutes)

    def rate(self) -> float:
        """Warm up, hold, fall to a fiftieth over the last 45 %."""
        warm = min(1.0, (self.steps + 1) / 80)
        fall = 1.0 if self.progress < 0.55 else max(0.02, 1 - 0.98 * (self.progress - 0.55) / 0.45)
        return self.options.rate * warm * fall

    def _batch(self, number: int, progress: float) -> Batch:
        """The tiles of one step, all of one shape: they depend on the seed, its number and the schedule alone."""
        dice = random.Random(f"{self.options.seed}|{number}")
        workers = self.options.workers
        grid = dice.choice(GRIDS)
        count = max(workers, self.options.patches // (grid[0] * grid[1]) // workers * workers)
        share, difficulty = course(self.options.begin + (1 - self.options.begin) * progress)
        if self.options.teach == "things":
            share = 0.0  # drawn tiles hold text alone
        drawn = round(count * share)
        words = Words(self.pools, dice)
        tiles = [draw_tile(words, grid, self.alphabet, difficulty) for _ in range(drawn)]
        tiles += self.pool.draw(count - drawn, grid, dice)
        dice.shuffle(tiles)
        return grid, tiles

    def _next(self) -> Batch:
        """This step's tiles, while a thread of its own makes the next step's."""
        now = self.coming or self.ahead.submit(self._batch, self.steps, self.progress)
        grid, tiles = now.result()
        after = progress_of(self.steps + 1, self.options.steps, self.elapsed, self.options.minutes)
        self.coming = self.ahead.submit(self._batch, self.steps + 1, after)
        return grid, tiles

    def _learn(self, tiles: list[Tile], grid: tuple[int, int]) -> tuple[dict[str, float], tuple[Tensor | None, ...]]:
        pixels = torch.from_numpy(np.stack([flat_patches(tile.pixels) for tile in tiles])).to(self.device)
        wanted = {name: value.to(self.device) for name, value in collate([tile.wanted for tile in tiles]).items()}
        total, told = judge(self.model(pixels.to(torch.bfloat16), grid), wanted)
        return told, torch.autograd.grad(total, self.optimiser.parameters, allow_unused=True)

    def step(self) -> dict[str, float]:
        """One optimiser step; returns mean losses."""
        began = time.monotonic()
        workers = self.options.workers
        grid, tiles = self._next()
        parts = [tiles[n::workers] for n in range(workers)]
        sums = [torch.zeros_like(master) for master in self.optimiser.master]
        means: dict[str, float] = defaultdict(float)
        for told, grads in self.threads.map(lambda part: self._learn(part, grid), parts):
            for total, grad in zip(sums, grads, strict=True):
                if grad is not None:
                    total.add_(grad, alpha=1 / workers)
            for name, value in told.items():
                means[name] += value / workers
        rate = self.rate()
        means["norm"] = self.optimiser.step(sums, rate)
        self.steps += 1
        self.elapsed += time.monotonic() - began
        return {**means, "rate": rate}

    def report(self, recent: list[dict[str, float]]) -> None:
        """One line of progress and one entry of the log."""
        keys = sorted({key for one in recent for key in one})
        mean = {key: float(np.mean([one[key] for one in recent if key in one])) for key in keys}
        self.log.append({"step": self.steps, "minutes": self.elapsed / 60, **mean})
        shown = " ".join(f"{key} {mean[key]:.4g}" for key in keys)
        print(f"step {self.steps} min {self.elapsed / 60:.1f} {shown}", flush=True)
        self.pool.refresh()

    def save(self) -> None:
        """The state to go on from."""
        keep_state(self.options.work, {"steps": self.steps, "elapsed": self.elapsed}, self.optimiser, self.log)

    def load(self) -> bool:
        """Go on from `work`, where there is something."""
        kept = kept_state(self.options.work, self.optimiser)
        if kept is None:
            return False
        numbers, self.log = kept
        self.steps, self.elapsed = numbers["steps"], numbers["elapsed"]
        return True

    def keep(self) -> None:
        """The state, the averaged weights of tower and heads as one file each, and a plot."""
        self.save()
        work = self.options.work
        named = {name: value.detach().float().cpu() for name, value in self.model.state_dict().items()}
        named |= dict(zip(self.optimiser.names, self.optimiser.mean, strict=True))
        for part, file in (("heads.", reader.WEIGHTS), ("visual.", TOWER)):
            mine = {
                n.removeprefix(part): v if ".norm." in n else v.to(torch.bfloat16)
                for n, v in named.items()
                if n.startswith(part)
            }
            save_file(mine, work / file)
        self.alphabet.write(work)
        curves.draw_reading(self.log, work / "reading.png")

    def finish(self) -> None:
        """The joint checkpoint where it was asked for."""
        join(self.options.base, self.options.work, self.options.out)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of rendered shards")
    parser.add_argument("--out", type=Path, default=Path("model/pilot"))
    parser.add_argument("--work", type=Path, default=Path("/tmp/reader-wip"))
    parser.add_argument("--base", type=Path, default=Path("model/pilot"))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--teach", choices=("all", "heads", "things"), default="all", help="what is to change")
    parser.add_argument("--begin", type=float, default=0.0, help="share of the course to skip, 0 to 1")
    given = parser.parse_args()
    for folder in given.data:
        if not any(folder.glob("shard-*.zip")):
            parser.error(
                f"--data: no shard-*.zip in `{folder}`; make some: python -m model.training.web.render {folder}"
            )
    expect_checkpoint(parser, "--base", given.base)
    options = Options(
        tuple(given.data),
        given.out,
        given.work,
        given.base,
        given.minutes,
        given.steps,
        given.seed,
        given.rate,
        workers=given.workers,
        begin=given.begin,
        teach=given.teach,
    )
    torch.set_num_threads(1)
    from model.training.web.icons import MEANINGS

    trainer = Trainer(options, Alphabet(icons=("", *sorted(MEANINGS))), default_pools())
    print("resumed" if trainer.load() else "fresh start", f"at step {trainer.steps}", flush=True)
    train(trainer, every=50, every_s=options.every_s)


if __name__ == "__main__":
    main()
