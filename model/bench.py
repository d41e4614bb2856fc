"""What the engine saves: the same growing conversation through it and through transformers' `generate()`.

Run as `python -m model.bench FOLDER`. Both say the same number of greedy tokens after every turn; nothing is
constrained, so that the comparison is of prefill and decoding alone. Figures are medians of wall-clock time, whatever
else the machine was doing.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["compare"]

_REPLY = "Action: Press the button."


def compare(
    checkpoint: str | Path,
    steps: Sequence[int] = (1, 5, 10, 20),
    tokens: int = 16,
    screen: tuple[int, int] = (1280, 800),
    max_pixels: int | None = None,
    repeat: int = 3,
    dtype: str = "auto",
    device: str = "auto",
) -> dict[str, Any]:
    """Time both at the given steps of one conversation, each step a new screenshot and a reply.

    Args:
        checkpoint: folder of a checkpoint.
        steps: how many turns the conversation has when it is measured.
        tokens: said after every turn.
        screen: width and height of the screenshots.
        max_pixels: largest picture shown; None takes the profile's for `both`.
        repeat: `generate()` is timed this often and so is the engine, each time going back to the turn before.
        dtype: as for `load_model`.
        device: as for `load_model`.

    Returns:
        `{"steps": {n: {"prompt_tokens", "engine": {...}, "generate": {...}, "ratio", "same"}}, ...}` with seconds for
        `prefill_s`, `per_token_s` and `step_s`; `ratio` is generate's step over the engine's, `same` whether both said
        the same tokens.
    """
    from model.qwen3vl.checkpoint import load
    from model.qwen3vl.engine import Engine

    opened = load(Path(checkpoint), device=device, dtype=dtype)  # type: ignore[arg-type]
    engine, talk = Engine(opened.network), _Talk(opened, screen, max_pixels)
    rows: dict[int, Any] = {}
    for step in range(1, max(steps) + 1):
        encoded = talk.turn(step)
        if step not in steps:
            continue
        ours = [_engine_once(engine, encoded, tokens, talk.before) for _ in range(repeat)]
        theirs = [_generate_once(opened, encoded, tokens) for _ in range(repeat)]
        rows[step] = _row(len(encoded.ids), ours, theirs)
    return {
        "checkpoint": opened.name,
        "dtype": str(opened.dtype),
        "device": str(opened.device),
        "tokens": tokens,
        "steps": rows,
    }


class _Talk:
    """A conversation that grows by one screenshot and one reply a turn."""

    def __init__(self, checkpoint: Any, screen: tuple[int, int], max_pixels: int | None) -> None:
        self._processor = checkpoint.processor
        self._screen = screen
        self._most = max_pixels or checkpoint.profile.max_pixels.both
        self._messages: list[dict[str, Any]] = [{"role": "system", "content": [{"type": "text", "text": "You act."}]}]
        self._pictures: list[Any] = []
        self.before: Any = None
        """The prompt of the turn before."""
        self._now: Any = None

    def turn(self, step: int) -> Any:
        if self._pictures:
            self._messages.append({"role": "assistant", "content": [{"type": "text", "text": _REPLY}]})
        self._pictures.append(
            self._processor.picture(f"screen {step}", lambda: _screenshot(self._screen, step), self._screen, self._most)
        )
        words = {"type": "text", "text": f"Instruction: press button {step}"}
        self._messages.append({"role": "user", "content": [{"type": "image"}, words]})
        self.before, self._now = self._now, self._processor.encode(self._messages, self._pictures)
        return self._now


def _screenshot(size: tuple[int, int], seed: int) -> Any:
    import numpy as np
    from PIL import Image

    coarse = np.random.default_rng(seed).integers(0, 256, (size[1] // 16, size[0] // 16, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.NEAREST)


_Timed = tuple[float, float, float, list[int]]
"""Prefill, per token, whole step in seconds, and what was said."""


def _engine_once(engine: Any, encoded: Any, tokens: int, before: Any) -> _Timed:
    """One reply by an engine that holds the turn before and nothing else."""
    from model.qwen3vl.engine import Free

    engine.forget()
    if before is not None:
        engine.last_logits(before)
    began = time.perf_counter()
    out = engine.reply(encoded, Free(frozenset(), tokens))
    total = time.perf_counter() - began
    return out.prefill_s, (total - out.prefill_s) / max(tokens - 1, 1), total, out.ids


def _generate_once(checkpoint: Any, encoded: Any, tokens: int) -> _Timed:
    import torch

    def say(count: int) -> tuple[float, list[int]]:
        began = time.perf_counter()
        checkpoint.network.model.rope_deltas = None
        inputs = {
            "input_ids": torch.from_numpy(encoded.ids)[None],
            "pixel_values": torch.cat([torch.from_numpy(picture.patches()) for picture in encoded.pictures]),
            "image_grid_thw": torch.tensor([[1, *picture.grid] for picture in encoded.pictures]),
            "mm_token_type_ids": torch.from_numpy(encoded.token_types)[None],
        }
        out = checkpoint.network.generate(
            **{name: value.to(checkpoint.device) for name, value in inputs.items()},
            max_new_tokens=count,
            do_sample=False,
            eos_token_id=None,
        )
        return time.perf_counter() - began, out[0, len(encoded.ids) :].tolist()

    (first, _), (total, said) = say(1), say(tokens)
    return first, (total - first) / max(tokens - 1, 1), total, said


def _row(prompt_tokens: int, ours: list[_Timed], theirs: list[_Timed]) -> dict[str, Any]:
    mine, other = _medians(ours), _medians(theirs)
    return {
        "prompt_tokens": prompt_tokens,
        "engine": mine,
        "generate": other,
        "ratio": other["step_s"] / mine["step_s"],
        "same": ours[0][3] == theirs[0][3],
    }


def _medians(timed: list[_Timed]) -> dict[str, float]:
    prefill, token, step = zip(*(row[:3] for row in timed), strict=True)
    median = statistics.median
    return {"prefill_s": median(prefill), "per_token_s": median(token), "step_s": median(step)}


def _main() -> None:
    import sys

    from model.load import sleeping_threads

    with sleeping_threads():
        found = compare(sys.argv[1])
    print(f"{found['checkpoint']}, {found['dtype']} on {found['device']}, {found['tokens']} tokens a step")
    print("step  prompt    engine: prefill   token    step    generate: prefill   token    step   ratio  same")
    for step, row in found["steps"].items():
        parts = [
            row[name][key] * 1e3 for name in ("engine", "generate") for key in ("prefill_s", "per_token_s", "step_s")
        ]
        cells = "".join(f"{value:14.1f}" if place % 3 == 0 else f"{value:9.1f}" for place, value in enumerate(parts))
        print(f"{step:4d} {row['prompt_tokens']:7d} {cells} {row['ratio']:10.1f}  {row['same']}")


if __name__ == "__main__":
    _main()
