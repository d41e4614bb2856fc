"""Teach the vision tower of a checkpoint to read, or go on where an earlier run stopped.

    python -m model.training.reading.run --data /tmp/web-data/train --out model/pilot --minutes 80

Trains the tower's blocks and the reading heads on tiles of rendered pages, and writes both into the checkpoint folder:
the tower back into its shards, the heads as `reader.safetensors` and `reader.json`. The decoder is not touched.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import time
from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import Qwen3VLForConditionalGeneration

from model.reading.alphabet import Alphabet
from model.reading.heads import Dense, Heads, levels
from model.reading.tiles import flat_patches
from model.training.optimiser import Optimiser
from model.training.reading.drawn import draw_tile
from model.training.reading.losses import collate, judge
from model.training.reading.shards import PagePool, Tile
from model.training.words import Words, default_pools

__all__ = ["Options", "Reading", "Trainer", "main"]

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

    data: Path
    out: Path
    work: Path
    base: Path
    minutes: float = 60.0
    seed: int = 1
    rate: float = 2e-3
    patches: int = 3400
    """Patches of one step."""
    workers: int = 2
    every_s: float = 240.0


class Reading(nn.Module):
    """A checkpoint's tower with reading heads on it."""

    def __init__(self, visual: nn.Module, alphabet: Alphabet) -> None:
        super().__init__()
        self.visual = visual
        config: Any = visual.config
        self.heads = Heads(config.hidden_size, config.depth, alphabet)

    def forward(self, patches: Tensor, grid: tuple[int, int]) -> Dense:
        said: Dense = self.heads(levels(self.visual, patches, grid))
        return said


class Trainer:
    """Holds the tower, the heads, the optimiser and what has been seen so far."""

    def __init__(self, options: Options, alphabet: Alphabet) -> None:
        self.options, self.alphabet = options, alphabet
        torch.manual_seed(options.seed)
        network = Qwen3VLForConditionalGeneration.from_pretrained(options.base, dtype=torch.float32)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = Reading(network.model.visual, alphabet).to(self.device, torch.bfloat16).train()
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_("merger" not in name)
        taught = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
        self.optimiser = Optimiser(taught, average=0.997)
        self.pool = PagePool(options.data, alphabet, options.seed)
        self.dice = random.Random(options.seed)
        self.words = Words(default_pools().of("train"), random.Random(options.seed + 1))
        self.threads = ThreadPoolExecutor(options.workers)
        self.ahead = ThreadPoolExecutor(1)
        self.coming: Future[tuple[tuple[int, int], list[Tile]]] | None = None
        self.steps, self.elapsed, self.log = 0, 0.0, []  # type: int, float, list[dict[str, float]]

    @property
    def progress(self) -> float:
        return min(1.0, self.elapsed / (60 * self.options.minutes))

    def rate(self) -> float:
        """Warm up, hold, fall to a fiftieth over the last 45 %."""
        warm = min(1.0, (self.steps + 1) / 80)
        fall = 1.0 if self.progress < 0.55 else max(0.02, 1 - 0.98 * (self.progress - 0.55) / 0.45)
        return self.options.rate * warm * fall

    def _batch(self, progress: float) -> tuple[tuple[int, int], list[Tile]]:
        """The tiles of one step, all of one shape. Runs in a thread of its own, one step ahead."""
        workers = self.options.workers
        grid = self.dice.choice(GRIDS)
        count = max(workers, self.options.patches // (grid[0] * grid[1]) // workers * workers)
        share, difficulty = course(progress)
        drawn = round(count * share)
        tiles = [draw_tile(self.words, grid, self.alphabet, difficulty) for _ in range(drawn)]
        tiles += self.pool.draw(count - drawn, grid) if count > drawn else []
        self.dice.shuffle(tiles)
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
        grid, tiles = (self.coming or self.ahead.submit(self._batch, self.progress)).result()
        self.coming = self.ahead.submit(self._batch, self.progress)
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

    def save(self) -> None:
        """The state to go on from."""
        self.options.work.mkdir(parents=True, exist_ok=True)
        fresh = self.options.work / "state.new"
        torch.save({"steps": self.steps, "elapsed": self.elapsed, "optimiser": self.optimiser.state()}, fresh)
        fresh.replace(self.options.work / "state.pt")
        (self.options.work / "log.json").write_text(json.dumps(self.log), encoding="utf-8")

    def load(self) -> bool:
        """Go on from `work`, where there is something."""
        path = self.options.work / "state.pt"
        if not path.exists():
            return False
        state = torch.load(path, weights_only=True)
        self.steps, self.elapsed = state["steps"], state["elapsed"]
        self.optimiser.load(state["optimiser"])
        logged = self.options.work / "log.json"
        self.log = json.loads(logged.read_text(encoding="utf-8")) if logged.exists() else []
        self.pool.dice.seed(self.options.seed + self.steps)
        self.dice.seed(self.options.seed + self.steps)
        return True

    def publish(self) -> None:
        """Write the averaged weights of tower and heads to `work`, as one file each."""
        from safetensors.torch import save_file

        named = dict(zip(self.optimiser.names, self.optimiser.mean, strict=True))
        heads = {n.removeprefix("heads."): v.to(torch.bfloat16) for n, v in named.items() if n.startswith("heads.")}
        tower = {n.removeprefix("visual."): v.to(torch.bfloat16) for n, v in named.items() if n.startswith("visual.")}
        save_file({n: v.contiguous() for n, v in heads.items()}, self.options.work / "reader.safetensors")
        save_file({n: v.contiguous() for n, v in tower.items()}, self.options.work / "tower.safetensors")
        self.alphabet.write(self.options.work)


def train(trainer: Trainer) -> None:
    """Run to the end of the schedule."""
    recent: list[dict[str, float]] = []
    saved = time.monotonic()
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    while trainer.progress < 1.0:
        recent.append(trainer.step())
        if len(recent) == 50:
            keys = sorted({key for one in recent for key in one})
            mean = {key: float(np.mean([one[key] for one in recent if key in one])) for key in keys}
            trainer.log.append({"step": trainer.steps, "minutes": trainer.elapsed / 60, **mean})
            shown = " ".join(f"{key} {mean[key]:.4g}" for key in keys)
            print(f"step {trainer.steps} min {trainer.elapsed / 60:.1f} {shown}", flush=True)
            recent = []
            trainer.pool.refresh()
        if stopped or time.monotonic() - saved > trainer.options.every_s:
            trainer.save()
            trainer.publish()
            saved = time.monotonic()
        if stopped:
            raise SystemExit("stopped; the state is saved")
    trainer.save()
    trainer.publish()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("model/pilot"))
    parser.add_argument("--work", type=Path, default=Path("/tmp/reader-wip"))
    parser.add_argument("--base", type=Path, default=Path("model/pilot"))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    options = Options(
        given.data, given.out, given.work, given.base, given.minutes, given.seed, given.rate, workers=given.workers
    )
    torch.set_num_threads(1)
    from model.training.web.icons import MEANINGS

    trainer = Trainer(options, Alphabet(icons=("", *sorted(MEANINGS))))
    print("resumed" if trainer.load() else "fresh start", f"at step {trainer.steps}", flush=True)
    train(trainer)


if __name__ == "__main__":
    main()
