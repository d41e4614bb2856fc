"""What the reading heads are taught, as one loss, and how much of it is right."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model.reading.heads import Dense
from model.training.reading.targets import Targets

__all__ = ["collate", "judge"]

NOTHING = 0.25
"""Weight of a slot or patch where nothing stands, beside 1 for one where something does."""


def collate(tiles: list[Targets]) -> dict[str, Tensor]:
    """Targets of one batch, by name, `(B, N, ...)`."""
    return {name: torch.from_numpy(np.stack([vars(tile)[name] for tile in tiles])) for name in vars(tiles[0])}


def _classes(logits: Tensor, wanted: Tensor, weights: Tensor | None = None) -> Tensor:
    asked = wanted >= 0
    logits, wanted = logits[asked].float(), wanted[asked]
    each = F.cross_entropy(logits, wanted, reduction="none")
    something = wanted > 0
    weight = torch.where(something, 1.0, NOTHING)
    return (each * weight).sum() / weight.sum().clamp(min=1)


def judge(said: Dense, wanted: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
    """The loss of one batch and its parts; `read` and `named` are shares of characters and roles that are right."""
    glyphs = _classes(said.glyphs, wanted["glyphs"])
    asked = wanted["begins"] >= 0
    begins = F.binary_cross_entropy_with_logits(said.begins[asked].float(), wanted["begins"][asked])
    lines = ~wanted["heights"].isnan()
    heights = F.smooth_l1_loss(said.heights[lines].float(), wanted["heights"][lines], beta=0.1)
    roles = _classes(said.roles, wanted["roles"])
    things = ~wanted["edges"].isnan()
    edges = F.smooth_l1_loss(said.edges[things].float(), wanted["edges"][things], beta=0.1)
    known = ~wanted["states"].isnan()
    states = F.binary_cross_entropy_with_logits(said.states[known].float(), wanted["states"][known])
    icons = _classes(said.icons, wanted["icons"])
    parts = {"glyphs": glyphs, "begins": begins, "heights": heights, "roles": roles, "edges": edges, "states": states, "icons": icons}
    weights = {"glyphs": 2.0, "begins": 0.3, "heights": 0.5, "roles": 0.7, "edges": 1.0, "states": 0.5, "icons": 0.4}
    total = torch.stack([weights[name] * value for name, value in parts.items() if value.isfinite()]).sum()
    told = {name: value.item() for name, value in parts.items() if value.isfinite()}
    with torch.no_grad():
        for name, logits, truth in (("read", said.glyphs, wanted["glyphs"]), ("named", said.roles, wanted["roles"]), ("icon", said.icons, wanted["icons"])):
            there = truth > 0
            if there.any():
                told[name] = (logits[there].argmax(-1) == truth[there]).float().mean().item()
    return total, told
