"""Weight-only quantisation of the decoder's linear layers and experts on load, by torchao.

Embeddings, head, norms, routers and the vision tower stay as they are: small, and what pointing suffers from first.
int8 is symmetric with one scale a row; int4 has groups of 128 (or 64, or 32, whatever divides a row) and wants bfloat16
on a GPU. Experts are kept one by one, so that each is a matrix that torchao knows, and run one after another.
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Literal

import torch
from torch import nn

from model.qwen3vl.checks import CheckpointError

__all__ = ["quantise", "require"]

_GROUPS = (128, 64, 32)


def require(kind: Literal["int8", "int4"], device: torch.device, dtype: torch.dtype) -> None:
    """Nothing where weights can be quantised so.

    Raises:
        CheckpointError: torchao is missing, or its kernels do not fit the device or the numbers.
    """
    if find_spec("torchao") is None:
        raise CheckpointError(f"weights={kind} needs torchao: pip install torchao")
    if kind == "int4" and device.type == "cuda" and dtype != torch.bfloat16:
        raise CheckpointError("weights=int4 computes in bfloat16 on a GPU, leave dtype at auto")


def quantise(network: Any, kind: Literal["int8", "int4"], device: torch.device) -> None:
    """Replace the decoder's weights in place, one at a time, and leave the whole network on the device.

    Raises:
        CheckpointError: a row that no group divides (int4).
    """
    layers = network.model.language_model.layers
    for layer in layers:
        for linear in _linears(layer):
            _replace(linear, kind, device)
        experts = getattr(layer.mlp, "experts", None)
        if experts is not None:
            _one_by_one(experts, kind, device)
    network.to(device)


def _linears(layer: nn.Module) -> Iterator[nn.Linear]:
    for module in layer.modules():
        if type(module) is nn.Linear:
            yield module


def _config(kind: str, columns: int, device: torch.device) -> Any:
    if kind == "int8":
        from torchao.quantization import Int8WeightOnlyConfig

        return Int8WeightOnlyConfig(set_inductor_config=False)
    group = next((size for size in _GROUPS if columns % size == 0), None)
    if group is None:
        raise CheckpointError(f"weights=int4 wants rows of a multiple of 32 numbers, got {columns}: try weights=int8")
    if device.type == "cuda":
        from torchao.quantization import Int4WeightOnlyConfig

        return Int4WeightOnlyConfig(
            group_size=group, int4_packing_format="tile_packed_to_4d", set_inductor_config=False
        )
    from torchao.prototype.quantization.int4 import PrototypeInt4WeightOnlyConfig

    return PrototypeInt4WeightOnlyConfig(group_size=group, set_inductor_config=False)


def _replace(linear: nn.Linear, kind: str, device: torch.device) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchao.quantization import quantize_

        linear.to(device)
        quantize_(linear, _config(kind, linear.in_features, device))


def _one_by_one(experts: Any, kind: str, device: torch.device) -> None:
    """Matrices of (experts, rows, columns) as lists of quantised ones, and the forward that takes them in turn."""
    for name in ("gate_up_proj", "down_proj"):
        whole = getattr(experts, name).data
        found = []
        for weight in whole:
            linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
            linear.weight = nn.Parameter(weight.clone(), requires_grad=False)
            _replace(linear, kind, device)
            found.append(linear.weight)
        delattr(experts, name)
        setattr(experts, name, nn.ParameterList(found))
    experts.forward = types.MethodType(type(experts).forward.__wrapped__, experts)
