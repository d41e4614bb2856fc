"""What the reading heads are taught, as one loss, and how much of it is right."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model.reading.heads import Dense
from model.training.reading.targets import IGNORE, Targets

__all__ = ["collate", "judge"]

NOTHING = 0.6
"""Weight of all patches where nothing stands, beside 1 for all where something does."""
EMPTY = 0.3
"""Weight of a cell without a character."""


def collate(tiles: list[Targets]) -> dict[str, Tensor]:
    """Targets of one batch, by name, `(B, N, ...)`."""
    return {name: torch.from_numpy(np.stack([vars(tile)[name] for tile in tiles])) for name in vars(tiles[0])}


def _classes(logits: Tensor, wanted: Tensor) -> Tensor:
    asked = wanted >= 0
    logits, wanted = logits[asked].float(), wanted[asked]
    each = F.cross_entropy(logits, wanted, reduction="none")
    something = wanted > 0
    there = each[something].mean() if something.any() else each.sum() * 0
    nowhere = each[~something].mean() if (~something).any() else each.sum() * 0
    return there + NOTHING * nowhere


def _characters(logits: Tensor, wanted: Tensor) -> Tensor:
    """A character counts as much as three cells without one, of which there are twenty times as many."""
    each = F.cross_entropy(logits.flatten(0, 2).float(), wanted.flatten(), ignore_index=IGNORE, reduction="none")
    there = wanted.flatten() > 0
    return (each * torch.where(there, 1.0, EMPTY)).sum() / there.sum().clamp(min=20)


def _mean(each: Tensor) -> Tensor:
    """The mean; 0 where nothing was asked."""
    return each.mean() if each.numel() else each.sum()


def judge(said: Dense, wanted: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
    """The loss of one batch and its parts; `read` and `named` are shares of characters and roles that are right."""
    glyphs = _characters(said.glyphs, wanted["glyphs"])
    asked = wanted["begins"] >= 0
    begins = _mean(
        F.binary_cross_entropy_with_logits(said.begins[asked].float(), wanted["begins"][asked], reduction="none")
    )
    placed = ~wanted["places"].isnan()
    places = _mean(F.smooth_l1_loss(said.places[placed].float(), wanted["places"][placed], beta=0.1, reduction="none"))
    roles = _classes(said.roles, wanted["roles"])
    things = ~wanted["edges"].isnan()
    edges = _mean(F.smooth_l1_loss(said.edges[things].float(), wanted["edges"][things], beta=0.1, reduction="none"))
    known = ~wanted["states"].isnan()
    states = _mean(
        F.binary_cross_entropy_with_logits(said.states[known].float(), wanted["states"][known], reduction="none")
    )
    icons = _classes(said.icons, wanted["icons"])
    parts = {
        "glyphs": glyphs,
        "begins": begins,
        "places": places,
        "roles": roles,
        "edges": edges,
        "states": states,
        "icons": icons,
    }
    weights = {"glyphs": 1.0, "begins": 0.2, "places": 0.5, "roles": 1.0, "edges": 0.8, "states": 0.3, "icons": 0.8}
    total = torch.stack([weights[name] * value for name, value in parts.items() if value.isfinite()]).sum()
    told = {name: value.item() for name, value in parts.items() if value.isfinite()}
    with torch.no_grad():
        for name, logits, truth in (
            ("read", said.glyphs, wanted["glyphs"]),
            ("named", said.roles, wanted["roles"]),
            ("icon", said.icons, wanted["icons"]),
        ):
            there = truth > 0
            if there.any():
                told[name] = (logits[there].argmax(-1) == truth[there]).float().mean().item()
    return total, told
