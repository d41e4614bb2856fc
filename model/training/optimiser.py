"""Muon for the matrices of the decoder, AdamW for everything else, on float32 master copies of bfloat16 weights.

Muon: orthogonalised momentum (Newton-Schulz, five steps), scaled so that its update has the root mean square of AdamW's,
after Jordan et al. 2024 and Liu et al. 2025 (arXiv:2502.16982, section 2.2). Matrices of one shape are done in one batch.
"""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["Optimiser", "orthogonal"]


def orthogonal(matrices: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Nearest semi-orthogonal matrices, roughly, of a batch `(n, rows, columns)`."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices.to(torch.bfloat16)
    turned = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if turned else x
    x = x / (x.float().flatten(1).norm(dim=1)[:, None, None] + 1e-7).to(x.dtype)
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.transpose(1, 2) if turned else x).to(matrices.dtype)


class Optimiser:
    """Holds masters, momenta and a running average of the weights."""

    def __init__(self, named: list[tuple[str, torch.nn.Parameter]], average: float = 0.995) -> None:
        self.names = [name for name, _ in named]
        self.parameters = [parameter for _, parameter in named]
        self.master = [p.detach().float().clone() for p in self.parameters]
        self.mean = [m.clone() for m in self.master]
        self.first = [torch.zeros_like(m) for m in self.master]
        self.second = [torch.zeros(0) if self._muon(n) else torch.zeros_like(self.master[n]) for n in range(len(named))]
        self.average = average
        self.steps = 0
        shapes: dict[torch.Size, list[int]] = {}
        for n in range(len(named)):
            if self._muon(n):
                shapes.setdefault(self.master[n].shape, []).append(n)
        self.shapes = shapes

    def _muon(self, n: int) -> bool:
        name = self.names[n]
        return self.master[n].ndim == 2 and ("language_model.layers" in name or "visual.blocks" in name)

    def step(self, grads: list[torch.Tensor], rate: float) -> float:
        """Apply float32 gradients at a learning rate (Muon's; AdamW takes half of it); returns the gradient norm."""
        self.steps += 1
        norm = torch.sqrt(sum((g.square().sum() for g in grads), torch.zeros((), device=grads[0].device))).item()
        scale = min(1.0, 1.0 / (norm + 1e-6))
        for places in self.shapes.values():
            self._muon_step(places, grads, rate)
        for n in range(len(grads)):
            if not self._muon(n):
                self._adam_step(n, grads[n] * scale, rate * 0.5)
        kept = min(self.average, (1 + self.steps) / (10 + self.steps))
        for parameter, master, mean in zip(self.parameters, self.master, self.mean, strict=True):
            mean.lerp_(master, 1 - kept)
            parameter.data.copy_(master)
        return norm

    def _muon_step(self, places: list[int], grads: list[torch.Tensor], rate: float) -> None:
        moved = []
        for n in places:
            self.first[n].lerp_(grads[n], 0.05)
            moved.append(grads[n].lerp(self.first[n], 0.95))
        updates = orthogonal(torch.stack(moved))
        size = 0.2 * max(updates.shape[1:]) ** 0.5
        for n, update in zip(places, updates, strict=True):
            self.master[n].mul_(1 - rate * 0.05).add_(update, alpha=-rate * size)

    def _adam_step(self, n: int, grad: torch.Tensor, rate: float) -> None:
        self.first[n].lerp_(grad, 0.1)
        self.second[n].lerp_(grad.square(), 0.02)
        first = self.first[n] / (1 - 0.9**self.steps)
        second = self.second[n] / (1 - 0.98**self.steps)
        if self.master[n].ndim > 1:
            self.master[n].mul_(1 - rate * 0.01)
        self.master[n].sub_(rate * first / (second.sqrt() + 1e-8))

    def state(self) -> dict[str, Any]:
        return {
            "master": self.master,
            "mean": self.mean,
            "first": self.first,
            "second": self.second,
            "steps": self.steps,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state` was taken."""
        for key in ("master", "mean", "first", "second"):
            for mine, theirs in zip(getattr(self, key), state[key], strict=True):
                mine.copy_(theirs)
        self.steps = state["steps"]
        for parameter, master in zip(self.parameters, self.master, strict=True):
            parameter.data.copy_(master)
