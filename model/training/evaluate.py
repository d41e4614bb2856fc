"""The held-out table of a checkpoint: exact calls and points in boxes, per kind of instruction.

A call counts as exact when every token of the reply is the most probable one given those before it, which is the same as
greedy decoding giving exactly this reply. A point counts as a hit when it lies in the box of the right node.

    python -m model.training.evaluate --checkpoint model/pilot
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import Qwen3VLForConditionalGeneration

from actuators.geometry import from_grid
from model.training import checkpoint
from model.training.episodes import make_episode
from model.training.losses import judge
from model.training.network import forward
from model.training.packing import Packed, Packer
from model.training.words import Pools, Split, default_pools

__all__ = ["SETTINGS", "Score", "Setting", "evaluate", "main", "table"]


@dataclass(frozen=True)
class Setting:
    """One column of the table."""

    name: str
    nodes: tuple[int, int]
    words: Split
    templates: Split
    pages: int


SETTINGS = (
    Setting("unseen words, 6-30 nodes", (6, 30), "held", "train", 50),
    Setting("unseen words, 60 nodes", (55, 65), "held", "train", 25),
    Setting("unseen words, 110 nodes", (105, 118), "held", "train", 12),
    Setting("seen words, 6-30 nodes", (6, 30), "train", "train", 25),
    Setting("unseen words and templates, 6-30 nodes", (6, 30), "held", "held", 50),
)


@dataclass
class Score:
    """Counts by kind: (right, all)."""

    exact: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    hit: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)

    @property
    def accuracy(self) -> float:
        every = [right for rights in self.exact.values() for right in rights]
        return sum(every) / max(1, len(every))

    @property
    def hits(self) -> float:
        every = [right for rights in self.hit.values() for right in rights]
        return sum(every) / max(1, len(every))


def _mark(
    score: Score, tokenizer: Tokenizer, packed: Packed, page_of: object, predicted: torch.Tensor, exact: torch.Tensor
) -> None:
    from model.training.episodes import Episode

    assert isinstance(page_of, Episode)
    page = page_of.page
    for k, sample in enumerate(packed.samples):
        score.exact[sample.kind].append(bool(exact[k]))
        rows = (packed.labels[k] >= 0).nonzero()[:, 0]
        said = tokenizer.decode(predicted[k, rows].tolist(), skip_special_tokens=False)
        wanted = sample.call.arguments
        if "coordinate" in wanted and sample.call.target is not None:
            right = packed.labels[k, rows][1] == predicted[k, rows][1]
            numbers = [tokenizer.decode([predicted[k, rows[n]].item()]) for n in (2, 4)]
            inside = False
            if right and all(n.isdigit() and int(n) <= 1000 for n in numbers):
                inside = page.nodes[sample.call.target].rect.contains(
                    from_grid(int(numbers[0]), int(numbers[1]), page.screen)
                )
            score.hit[sample.kind].append(inside)
        if not exact[k]:
            score.wrong.append(
                f"{sample.kind} | {sample.text.strip()!r} | wanted {sample.reply[55:-14]} | said {said[55:]!r}"
            )


@torch.no_grad()
def evaluate(
    model: Qwen3VLForConditionalGeneration,
    tokenizer: Tokenizer,
    setting: Setting,
    pools: Pools,
    seed: str = "evaluation",
    asks: int = 20,
) -> Score:
    """One column. Deterministic in its arguments."""
    packer = Packer(tokenizer)
    score = Score()
    for n in range(setting.pages):
        dice = random.Random(f"{seed}|{setting.name}|{n}")
        episode = make_episode(
            pools, f"{seed}|{setting.name}|{n}", dice.randint(*setting.nodes), asks, setting.words, setting.templates
        )
        if not episode.samples:
            continue
        packed = packer.pack(episode, dice)
        judged = judge(model, packed, forward(model, packed))
        _mark(score, tokenizer, packed, episode, judged.predicted.cpu(), judged.exact.cpu())
    return score


def table(scores: dict[str, Score]) -> str:
    """Markdown: one row a kind, one column a setting, exact calls in per cent (count)."""
    kinds = sorted({kind for score in scores.values() for kind in score.exact})
    lines = ["| kind | " + " | ".join(scores) + " |", "|---|" + "---|" * len(scores)]

    def cell(rights: Iterable[bool]) -> str:
        every = list(rights)
        return f"{100 * sum(every) / len(every):.1f} ({len(every)})" if every else "-"

    for kind in kinds:
        lines.append(f"| {kind} | " + " | ".join(cell(score.exact.get(kind, ())) for score in scores.values()) + " |")
    lines.append(
        "| **all, exact** | "
        + " | ".join(cell(r for rights in score.exact.values() for r in rights) for score in scores.values())
        + " |"
    )
    lines.append(
        "| **point in box** | "
        + " | ".join(cell(r for rights in score.hit.values() for r in rights) for score in scores.values())
        + " |"
    )
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--scale", type=float, default=1.0, help="pages of every setting, times this")
    parser.add_argument("--wrong", type=int, default=0, help="print this many wrong answers of each setting")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", default="evaluation")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, tokenizer = checkpoint.read(options.checkpoint)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    began = time.monotonic()
    scores = {}
    for setting in SETTINGS:
        scaled = Setting(
            setting.name, setting.nodes, setting.words, setting.templates, max(1, round(setting.pages * options.scale))
        )
        scores[setting.name] = evaluate(model, tokenizer, scaled, default_pools(), options.seed)
        for line in scores[setting.name].wrong[: options.wrong]:
            print(line)
    print(table(scores))
    print(f"\n{time.monotonic() - began:.0f} s, seed `{options.seed}`")


if __name__ == "__main__":
    main()
