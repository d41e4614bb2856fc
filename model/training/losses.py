"""Next-token loss on the replies, pointer losses on single attention heads, and what was right."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from transformers import Qwen3VLForConditionalGeneration

from model.training.network import COPYING, Seen
from model.training.packing import Packed

__all__ = ["WEIGHTS", "Judged", "judge"]

WEIGHTS = {"align": 0.25, "point": 0.5, "again": 0.5, "state": 0.4, "copy": 0.2, "said": 0.2, "line": 0.2}
READ_WEIGHT = 0.6
"""For what the copying heads hand on by themselves."""
SPREAD = frozenset({"said", "line"})
"""Losses whose head should look at all right places alike; the others at any one of them."""


@dataclass
class Judged:
    """The losses of one page and its predictions."""

    total: torch.Tensor
    parts: dict[str, float]
    predicted: torch.Tensor  # (K, S) token ids, 0 where there is no label
    exact: torch.Tensor  # (K,) bool: every reply token is the most probable one


def _pointer(attention: torch.Tensor, keys: torch.Tensor, spread: bool) -> torch.Tensor:
    keys = keys.to(attention.device)
    if spread:
        return -(attention.masked_fill(~keys, 0.0).sum(-1) / keys.sum(-1)).mean()
    return -attention.masked_fill(~keys, float("-inf")).logsumexp(-1).clamp(min=-14.0).mean()


def judge(model: Qwen3VLForConditionalGeneration, packed: Packed, seen: Seen) -> Judged:
    """All losses; the logits are computed only where there is a label."""
    device = seen.hidden.device
    labels, weights = packed.labels.to(device), packed.weights.to(device)
    rows = labels >= 0
    logits = model.lm_head(seen.hidden[rows]).float()
    each = F.cross_entropy(logits, labels[rows], reduction="none")
    spoken = (each * weights[rows]).sum() / weights[rows].sum()
    total = spoken
    parts = {"lm": spoken.item()}
    for name, weight in WEIGHTS.items():
        keys = packed.targets[name].keys
        if len(keys):
            loss = _pointer(seen.attention[name], keys, name in SPREAD)
            total = total + weight * loss
            parts[name] = loss.item()
    for name, (places, tokens) in packed.echoes.items():
        if len(places):
            loss = F.cross_entropy(model.lm_head(seen.read[f"{name} echo"]).float(), tokens.to(device))
            total = total + READ_WEIGHT * loss
            parts[f"{name} echo"] = loss.item()
    for name in sorted(COPYING):
        rows_, tokens = packed.reads[name]
        if len(rows_):
            loss = F.cross_entropy(model.lm_head(seen.read[name][rows_.to(device)]).float(), tokens.to(device))
            total = total + READ_WEIGHT * loss
            parts[f"{name} read"] = loss.item()
    predicted = torch.zeros_like(labels)
    predicted[rows] = logits.argmax(-1)
    exact = ((predicted == labels) | ~rows).all(-1)
    return Judged(total, parts, predicted, exact)
