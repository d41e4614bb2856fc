"""Train the pilot with one command, or go on where an earlier run stopped.

    python -m model.training.run --out model/pilot --minutes 60

Deterministic by seed for a given number of steps (`--steps`); with `--minutes` the schedule follows the clock.
State is written to `--work` every few minutes, together with a usable checkpoint, a log and a plot.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import Qwen3VLForConditionalGeneration

from model.training import architecture, checkpoint, curves, evaluate, tokenizer
from model.training.demos import Demos
from model.training.episodes import make_episode
from model.training.losses import Judged, judge
from model.training.misread import misread
from model.training.network import forward
from model.training.optimiser import Optimiser
from model.training.packing import Packed, Packer
from model.training.words import Pools, default_pools
from model.training.work import expect_checkpoint, keep_state, kept_state, progress_of, train

__all__ = ["Options", "Trainer", "main"]


@dataclass(frozen=True)
class Options:
    """Everything that decides a run."""

    out: Path
    work: Path
    minutes: float = 60.0
    steps: int = 0
    """0 lets the clock decide."""
    seed: int = 1
    rate: float = 2.5e-3
    tokens: int = 2600
    """Tokens of one step, roughly; pages are added until they are reached."""
    every_s: float = 180.0
    workers: int = 2
    """Pages learnt from at once, each in a thread of its own: copes with shared cores better than one page over all."""
    sizes: architecture.Sizes = field(default_factory=architecture.Sizes)
    base: Path | None = None
    """A checkpoint to begin from instead of random weights; its vision tower is then left as it is."""
    demos: Path | None = None
    """A folder of recorded demonstrations to learn from beside the made-up pages."""


DEMO_WEIGHT = 4
"""A demonstration's one sample counts as much as so many samples of a made-up page."""
DEMOS_A_STEP = 4


def page_size(dice: random.Random, progress: float) -> tuple[int, int, int]:
    """Nodes, instructions and the longest segment of one page at a point of the schedule: small pages first."""
    longest = dice.choice((40, 40, 48, 48, 64, 64, 150))
    if progress < 0.06:
        return dice.randint(4, 14), 20, longest
    if progress < 0.15:
        return dice.randint(5, 26), 18, longest
    draw = dice.random()
    if draw < 0.55:
        return dice.randint(6, 28), 24, longest
    if draw < 0.92 or progress < 0.25:
        return dice.randint(28, 64), 32, longest
    return dice.randint(64, 118), 40, longest


def rate_at(options: Options, step: int, progress: float) -> float:
    """Warm up, hold, then fall to a twentieth over the last third."""
    warm = min(1.0, (step + 1) / 60)
    fall = 1.0 if progress < 0.65 else max(0.05, 1 - 0.95 * (progress - 0.65) / 0.35)
    return options.rate * warm * fall


class Trainer:
    """Holds the model, its optimiser and what has been seen so far."""

    def __init__(self, options: Options, pools: Pools) -> None:
        self.options = options
        self.pools = pools
        kept = next((f for f in (options.work, options.base) if f and (f / "tokenizer.json").exists()), None)
        self.tokenizer: Tokenizer = (
            Tokenizer.from_file(str(kept / "tokenizer.json")) if kept else tokenizer.build(pools)
        )
        self.packer = Packer(self.tokenizer)
        self.demos = Demos(options.demos) if options.demos else None
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = architecture.build(self.tokenizer, options.sizes, options.seed)
        if options.base:
            self.model.load_state_dict(Qwen3VLForConditionalGeneration.from_pretrained(options.base).state_dict())
            self.model.model.visual.requires_grad_(False)
        self.model.to(device, torch.bfloat16).train()
        self.optimiser = Optimiser([(n, p) for n, p in self.model.named_parameters() if p.requires_grad])
        self.workers = ThreadPoolExecutor(options.workers)
        self.steps = self.pages = self.seen = 0
        self.elapsed = 0.0
        self.log: list[dict[str, Any]] = []

    @property
    def progress(self) -> float:
        return progress_of(self.steps, self.options.steps, self.elapsed, self.options.minutes)

    def page(self) -> Packed | None:
        """The next page; its content depends only on the seed and the page's number and the schedule."""
        name = f"{self.options.seed}|{self.pages}"
        self.pages += 1
        dice = random.Random("size|" + name)
        count, asks, longest = page_size(dice, self.progress)
        episode = make_episode(self.pools, name, count, asks)
        if dice.random() < 0.4:
            episode.page = misread(episode.page, dice, dice.choice((0.01, 0.03, 0.06)))
        return self.packer.pack(episode, dice, longest) if episode.samples else None

    def _demonstrations(self) -> list[Packed]:
        """Some steps of demonstrations, where there are any."""
        if self.demos is None or not len(self.demos):
            return []
        dice = random.Random(f"demos|{self.options.seed}|{self.steps}")
        found = []
        for _ in range(DEMOS_A_STEP):
            episode = self.demos.draw(dice)
            if dice.random() < 0.3:
                episode.page = misread(episode.page, dice, dice.choice((0.01, 0.03)))
            found.append(self.packer.pack(episode, dice, 320))
        return [page for page in found if len(page.samples)]

    def _learn(self, page: Packed) -> tuple[Judged, tuple[torch.Tensor | None, ...]]:
        """Losses and gradients of one page. Runs in a worker thread; touches nothing shared."""
        judged = judge(self.model, page, forward(self.model, page))
        return judged, torch.autograd.grad(judged.total, self.optimiser.parameters, allow_unused=True)

    def step(self) -> dict[str, float]:
        """One optimiser step over some pages; returns mean losses."""
        began = time.monotonic()
        packed = self._demonstrations()
        few = len(packed)
        while sum(len(p.prefix) + p.segments.numel() for p in packed) < self.options.tokens:
            page = self.page()
            if page is not None and len(page.samples):
                packed.append(page)
        sizes = [len(p.samples) * (DEMO_WEIGHT if n < few else 1) for n, p in enumerate(packed)]
        count = sum(sizes)
        means: dict[str, float] = defaultdict(float)
        sums = [torch.zeros_like(master) for master in self.optimiser.master]
        for n, (judged, grads) in enumerate(self.workers.map(self._learn, packed)):
            share = sizes[n] / count
            for total, grad in zip(sums, grads, strict=True):
                if grad is not None:
                    total.add_(grad, alpha=share)
            for name, value in judged.parts.items():
                means[name] += value * share
            means["shown" if n < few else "exact"] += (
                judged.exact.float().mean().item()
                * share
                * count
                / max(sum(sizes[:few] if n < few else sizes[few:]), 1)
            )
        rate = rate_at(self.options, self.steps, self.progress)
        means["norm"] = self.optimiser.step(sums, rate)
        self.steps += 1
        self.seen += sum(len(p.samples) for p in packed)
        self.elapsed += time.monotonic() - began
        return {**means, "rate": rate}

    def averaged(self) -> Qwen3VLForConditionalGeneration:
        """A copy of the model with the running mean of the weights, in float32."""
        copy = architecture.build(self.tokenizer, self.options.sizes, self.options.seed)
        copy.load_state_dict(self.model.state_dict())
        named = dict(copy.named_parameters())
        for name, mean in zip(self.optimiser.names, self.optimiser.mean, strict=True):
            named[name].data.copy_(mean)
        return copy.eval()

    def save(self) -> None:
        numbers = {"steps": self.steps, "pages": self.pages, "seen": self.seen, "elapsed": self.elapsed}
        keep_state(self.options.work, numbers, self.optimiser, self.log)
        self.tokenizer.save(str(self.options.work / "tokenizer.json"))

    def load(self) -> bool:
        """Go on from `work`, where there is something."""
        kept = kept_state(self.options.work, self.optimiser)
        if kept is None:
            return False
        numbers, self.log = kept
        for name, value in numbers.items():
            setattr(self, name, value)
        return True

    def keep(self) -> None:
        """The state, and a usable checkpoint beside it."""
        self.save()
        self.publish(self.options.work / "checkpoint")

    def finish(self) -> None:
        """The checkpoint where it was asked for."""
        self.publish(self.options.out)

    def report(self, recent: list[dict[str, float]]) -> None:
        """One line of progress and one entry of the log."""
        keys = sorted({key for entry in recent for key in entry})
        mean = {key: sum(e.get(key, 0.0) for e in recent) / len(recent) for key in keys}
        self.log.append({"step": self.steps, "seen": self.seen, "minutes": self.elapsed / 60, **mean})
        words = " ".join(
            f"{key} {mean[key]:.3f}"
            for key in (
                "lm",
                "align",
                "line",
                "said",
                "point",
                "copy",
                "again",
                "point read",
                "again read",
                "copy read",
                "point echo",
                "copy echo",
                "state",
                "state echo",
                "exact",
                "shown",
            )
            if key in mean
        )
        print(
            f"step {self.steps} min {self.elapsed / 60:.1f} seen {self.seen} {words} norm {mean['norm']:.2f} rate {mean['rate']:.5f}",
            flush=True,
        )
        if self.demos is not None:
            self.demos.refresh()

    def publish(self, folder: Path) -> None:
        """Write the averaged weights as a checkpoint and print a short held-out score."""
        model = self.averaged()
        checkpoint.write(model, self.tokenizer, folder)
        for setting in (
            evaluate.Setting("unseen words, 6-30 nodes", (6, 30), "held", "train", 14),
            evaluate.Setting("unseen words, 60 nodes", (55, 65), "held", "train", 4),
        ):
            score = evaluate.evaluate(model, self.tokenizer, setting, self.pools)
            self.log.append(
                {
                    "step": self.steps,
                    "minutes": self.elapsed / 60,
                    "setting": setting.name,
                    "exact": score.accuracy,
                    "hit": score.hits,
                }
            )
            print(
                f"  held out, {setting.name}: exact {100 * score.accuracy:.1f} % point in box {100 * score.hits:.1f} %",
                flush=True,
            )
        curves.draw(self.log, self.options.work / "curves.png")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("/tmp/pilot-wip"))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2.5e-3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--base", type=Path, help="a checkpoint folder to begin from")
    parser.add_argument("--demos", type=Path, help="a folder of recorded demonstrations")
    given = parser.parse_args()
    if given.base:
        expect_checkpoint(parser, "--base", given.base)
    if given.demos and not any(given.demos.glob("*")):
        parser.error(f"--demos: nothing is in `{given.demos}`; record some: python -m osworld_eval.miniwob.record")
    options = Options(
        given.out, given.work, given.minutes, given.steps, given.seed, given.rate, workers=given.workers,
        base=given.base, demos=given.demos,
    )  # fmt: skip
    torch.set_num_threads(1)
    trainer = Trainer(options, default_pools())
    print("resumed" if trainer.load() else "fresh start", f"at step {trainer.steps}", flush=True)
    train(trainer, every=25, every_s=options.every_s)


if __name__ == "__main__":
    main()
