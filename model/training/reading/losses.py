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
    """Targets of one batch, by name, with the batch first."""
    return {name: torch.from_numpy(np.stack([vars(tile)[name] for tile in tiles])) for name in vars(tiles[0])}


def _classes(logits: Tensor, wanted: Tensor, share: Tensor) -> Tensor:
    asked = wanted >= 0
    logits, wanted, share = logits[asked].float(), wanted[asked], share[asked]
    each = F.cross_entropy(logits, wanted, reduction="none")
    something = wanted > 0
    there = _weighed(each[something], share[something])
    nowhere = each[~something].mean() if (~something).any() else each.sum() * 0
    return there + NOTHING * nowhere


def _weighed(each: Tensor, share: Tensor) -> Tensor:
    """The mean of what single squares lost, by their weights; 0 where there are none."""
    return (each * share).sum() / share.sum().clamp(min=1e-6)


def _shares(edges: Tensor) -> Tensor:
    """What each square counts, `(B, Y, X)`: a thing counts as the root of its area, so that ticks are not drowned."""
    left, top, right, bottom = edges.expm1().unbind(-1)
    return ((left + right) * (top + bottom)).nan_to_num(1.0).clamp(min=1).rsqrt()


def _overlap(said: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Of boxes around one centre `(K, 4)`: intersection over union, and 1 less the generalised one.

    That one has a slope where boxes are far apart too (Rezatofighi et al. 2019).
    """
    said, wanted = said.clamp(-1, 6).expm1(), wanted.expm1()
    both = torch.minimum(said, wanted)
    either = torch.maximum(said, wanted)

    def area(of: Tensor) -> Tensor:
        return (of[:, 0] + of[:, 2]).clamp(min=0) * (of[:, 1] + of[:, 3]).clamp(min=0)

    shared, around = area(both), area(either).clamp(min=0.1)
    union = (area(said) + area(wanted) - shared).clamp(min=0.1)
    return shared / union, 1 - shared / union + (around - union) / around


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
    share = _shares(wanted["edges"])
    roles = _classes(said.roles, wanted["roles"], share)
    things = ~wanted["edges"][..., 0].isnan()
    told_edges, true_edges, share_of = said.edges[things].float(), wanted["edges"][things], share[things]
    far = F.smooth_l1_loss(told_edges, true_edges, beta=0.1, reduction="none").mean(-1)
    overlap, apart = _overlap(told_edges, true_edges)
    edges = _weighed(far + 0.5 * apart, share_of)
    trusted = said.trusts[things].float()
    trusts = _weighed(
        F.binary_cross_entropy_with_logits(trusted, overlap.detach().clamp(0, 1), reduction="none"), share_of
    )
    off = F.binary_cross_entropy_with_logits(said.states[things].float(), wanted["states"][things], reduction="none")
    states = _weighed(off.mean(-1), share_of)
    icons = _classes(said.icons, wanted["icons"], share)
    parts = {
        "glyphs": glyphs,
        "begins": begins,
        "places": places,
        "roles": roles,
        "edges": edges,
        "trusts": trusts,
        "states": states,
        "icons": icons,
    }
    weights = {
        "glyphs": 1.0,
        "begins": 0.2,
        "places": 0.5,
        "roles": 1.0,
        "edges": 0.8,
        "trusts": 0.3,
        "states": 0.3,
        "icons": 0.8,
    }
    total = torch.stack([weights[name] * value for name, value in parts.items() if value.isfinite()]).sum()
    told = {name: value.item() for name, value in parts.items() if value.isfinite()}
    if things.any():
        told["overlap"] = _weighed(overlap.detach(), share_of).item()
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
