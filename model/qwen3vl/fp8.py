"""FP8 checkpoints with a scale for each block of a weight: widened on load, or kept where a GPU computes in them.

transformers knows matrices called `weight` with a `weight_scale_inv` beside them. The experts of the published
mixtures are stacks, `experts.gate_up_proj` and `experts.down_proj`, rows and columns exchanged, with a `_scale_inv` of
their own beside them, which transformers leaves lying: the experts would be thousands of times too large, without a
word. The quantiser here takes them along, and experts that are stored one by one as well.

Imported by `checkpoint` when it meets such a folder, after `library`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers.core_model_loading import Concatenate, MergeModulelist, WeightConverter
from transformers.integrations.finegrained_fp8 import Fp8Dequantize
from transformers.quantizers.auto import register_quantization_config, register_quantizer
from transformers.quantizers.quantizer_finegrained_fp8 import FineGrainedFP8HfQuantizer
from transformers.utils.quantization_config import FineGrainedFP8Config

__all__ = ["settings"]

_METHOD = "fp8_with_stacks"
_SCALE = "_scale_inv"
_STACKS = ("mlp.experts.gate_up_proj", "mlp.experts.down_proj")


def settings(stored: Mapping[str, Any], widen: bool) -> dict[str, Any]:
    """A `quantization_config` for transformers.

    Args:
        stored: the checkpoint's own.
        widen: whether weights become those of the network's number format; else they stay FP8.
    """
    return {**stored, "quant_method": _METHOD, "dequantize": widen}


class _Widened(Fp8Dequantize):
    """A stack times its scales, which are used up; a stack that has none (`checks` saw to it) is no FP8."""

    def convert(self, input_dict: dict[str, Any], *given: Any, **how: Any) -> dict[str, Any]:
        found = super().convert(input_dict, *given, **how)
        return {key: value for key, value in found.items() if not key.endswith(_SCALE)}


@register_quantizer(_METHOD)
class _Quantizer(FineGrainedFP8HfQuantizer):
    def update_weight_conversions(self, weight_conversions: list[Any], model: Any) -> list[Any]:
        """Scales of stacks go with their stacks; experts that are stored one by one are stacked."""
        experts = any(_STACKS[0] in name for name, _ in model.named_parameters())
        given = [*weight_conversions, *(_one_by_one() if experts else ())]
        found = super().update_weight_conversions(given, model)  # type: ignore[no-untyped-call]
        return [one for converter in found for one in self._with_scales(converter)]

    def _with_scales(self, converter: Any) -> list[Any]:
        """The first pattern that fits counts, and that of a stack fits its scales as well: theirs go first."""
        sources = getattr(converter, "_original_source_patterns", [])
        if not isinstance(converter, WeightConverter) or len(sources) != 1 or sources[0] not in _STACKS:
            return [converter]
        scale, turned = sources[0] + _SCALE, list(converter.operations)
        if self.quantization_config.dequantize:
            widened = _Widened(self)  # type: ignore[no-untyped-call]
            return [converter.copy([scale, sources[0]], sources, operations=[widened, *turned])]
        return [converter.copy([scale], [scale], operations=turned), converter]


def _one_by_one() -> list[Any]:
    """Experts as transformers' other mixtures store them."""
    expert = "mlp.experts.*."
    return [
        WeightConverter(
            [f"{expert}gate_proj.weight", f"{expert}up_proj.weight"],
            _STACKS[0],
            operations=[MergeModulelist(dim=0), Concatenate(dim=1)],
        ),
        WeightConverter(f"{expert}down_proj.weight", _STACKS[1], operations=[MergeModulelist(dim=0)]),
    ]


register_quantization_config(_METHOD)(FineGrainedFP8Config)
