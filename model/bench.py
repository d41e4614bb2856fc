"""What the engine saves: the same growing conversation through it and through transformers' `generate()`.

Run as `agent bench model`. At each measured step three things are timed in turns, in one process:

- `engine`: a step as the runtime takes it. The engine holds the step before; it sees one new picture and replies with
  one `left_click` of the protocol, what the grammar forces fed at once.
- `free`: the engine without a grammar, as many tokens, one at a time: what remains when jumping forward is taken away.
- `generate`: transformers' `generate()` on the whole conversation, as many tokens, no grammar. It is timed with all of
  torch's threads and with one, and the quicker counts.

What `generate` is given is made ready before its clock starts: cutting pictures into patches is not counted for it,
and is for the engine. `same` says whether `free` and `generate` said the same tokens. The steps are gone through in
rounds, so that what else the machine does in the meantime falls on all of them. Figures are medians of wall-clock time;
`cpu_s` beside the engine's is the time of the processor, which others on the machine lengthen less.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["compare", "measured", "table"]

_REPLY = "Action: Press the button."


def compare(
    checkpoint: str | Path,
    steps: Sequence[int] = (1, 5, 10, 20),
    screen: tuple[int, int] = (1280, 800),
    max_pixels: int | None = None,
    repeat: int = 5,
    dtype: str = "auto",
    device: str = "auto",
) -> dict[str, Any]:
    """Time all three at the given steps of one conversation, each step a new screenshot and a reply.

    Args:
        checkpoint: folder of a checkpoint.
        steps: how many turns the conversation has when it is measured.
        screen: width and height of the screenshots.
        max_pixels: largest picture shown; None takes the profile's for `both`.
        repeat: how often each is timed, each time going back to the turn before.
        dtype: as for `load_model`.
        device: as for `load_model`.

    Returns:
        `steps`: `{n: {"prompt_tokens", "tokens", "engine", "free", "generate", "ratio", "ratio_free",
        "same"}}` where the three hold `prefill_s`, `per_token_s`, `step_s` and `cpu_s` (`generate` also `threads`);
        `ratio` is generate's step over the engine's. `ratio_at_step`: `ratio` by step. `step_20_over_5` and
        `cpu_20_over_5`: the engine's late step over an early one. `memory_mb`: the process at its largest.
        `bandwidth_gb_s`: weights read per second while decoding.
    """
    from model.qwen3vl.checkpoint import load

    opened = load(Path(checkpoint), device=device, dtype=dtype)  # type: ignore[arg-type]
    return measured(opened, steps, screen, max_pixels, repeat)


def measured(
    opened: Any, steps: Sequence[int], screen: tuple[int, int], max_pixels: int | None, repeat: int
) -> dict[str, Any]:
    """What `compare` measures, with a checkpoint that is open already."""
    from model.qwen3vl.engine import Engine

    engine, talk = Engine(opened.network), _Talk(opened, screen, max_pixels)
    grammar = _grammar(opened)
    asked: dict[int, Any] = {}
    for step in range(1, max(steps) + 1):
        encoded = talk.turn(step)
        if step in steps:
            asked[step] = _Step(opened, engine, grammar, encoded, talk.before)
    for _ in range(repeat):
        for one in asked.values():
            one.round()
    rows = {step: one.row() for step, one in asked.items()}
    text = sum(weight.nbytes for weight in opened.network.model.language_model.parameters())
    quickest = min(row["free"]["per_token_s"] for row in rows.values())
    return {
        "checkpoint": opened.name,
        "dtype": str(opened.dtype).removeprefix("torch."),
        "device": _device(opened.device),
        "screen": list(screen),
        "repeat": repeat,
        "steps": rows,
        "ratio_at_step": {str(step): round(row["ratio"], 2) for step, row in rows.items()},
        "step_20_over_5": _over(rows, 20, 5, "step_s"),
        "cpu_20_over_5": _over(rows, 20, 5, "cpu_s"),
        "memory_mb": _memory_mb(opened.device),
        "bandwidth_gb_s": round(text / quickest / 1e9, 2),
    }


def _over(rows: dict[int, Any], late: int, early: int, key: str) -> float | None:
    """The engine's step late in a conversation over one early in it."""
    if late not in rows or early not in rows:
        return None
    ratio: float = rows[late]["engine"][key] / rows[early]["engine"][key]
    return round(ratio, 2)


def _device(device: Any) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu, {torch.get_num_threads()} threads"


def _memory_mb(device: Any) -> float:
    """The most memory that was in use: the device's on a GPU, the process's on a CPU."""
    import resource

    import torch

    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 1e6, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 1)


def _grammar(opened: Any) -> Any:
    """One press, and nothing else: what most steps say. The prompts ask for nothing, so a free choice means nothing."""
    from copy import deepcopy

    from model.protocols.computer_use import TOOL, ComputerUse
    from model.qwen3vl.constrained import Grammar, TokenTable

    table = TokenTable(opened.tokenizer, int(opened.network.config.text_config.vocab_size))
    tool = deepcopy(TOOL)
    tool["function"]["parameters"]["properties"]["action"]["enum"] = ["left_click"]
    return Grammar(table, ComputerUse(tool=tool, action_line=False).grammar())


class _Step:
    """One step of the conversation, all three in turns, as often as it is asked for."""

    def __init__(self, opened: Any, engine: Any, grammar: Any, encoded: Any, before: Any) -> None:
        import torch

        self._opened, self._engine, self._grammar = opened, engine, grammar
        self._encoded, self._before = encoded, before
        self._threads = torch.get_num_threads()
        self._timed: dict[str, list[_Timed]] = {"engine": [], "free": [], "all": [], "one": []}
        self._tokens = len(self._called().said)

    def _called(self) -> _Timed:
        steering = self._grammar.steering(self._opened.profile.max_new_tokens)
        return _engine_once(self._engine, self._encoded, steering, self._before)

    def round(self) -> None:
        """Time each once."""
        import torch

        from model.qwen3vl.engine import Free

        timed, tokens = self._timed, self._tokens
        timed["engine"].append(self._called())
        timed["free"].append(_engine_once(self._engine, self._encoded, Free(frozenset(), tokens), self._before))
        timed["all"].append(_generate_once(self._opened, self._encoded, tokens))
        if self._threads > 1 and self._opened.device.type == "cpu":
            torch.set_num_threads(1)
            try:
                timed["one"].append(_generate_once(self._opened, self._encoded, tokens))
            finally:
                torch.set_num_threads(self._threads)

    def row(self) -> dict[str, Any]:
        """What was timed, as `compare` returns it for one step."""
        timed = self._timed
        mine, free = _medians(timed["engine"]), _medians(timed["free"])
        choices = [("all", self._threads), *([("one", 1)] if timed["one"] else [])]
        best, threads = min(choices, key=lambda choice: _medians(timed[choice[0]])["step_s"])
        other = {**_medians(timed[best]), "threads": threads}
        return {
            "prompt_tokens": len(self._encoded.ids),
            "picture_tokens": self._encoded.spans[-1][1],
            "tokens": self._tokens,
            "engine": mine,
            "free": free,
            "generate": other,
            "ratio": other["step_s"] / mine["step_s"],
            "ratio_free": other["step_s"] / free["step_s"],
            "same": timed["free"][0].said == timed[best][0].said,
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
        shown = _screenshot(self._screen, step)  # made here, so that nobody's clock counts it
        self._pictures.append(self._processor.picture(f"screen {step}", lambda: shown, self._screen, self._most))
        words = {"type": "text", "text": f"Instruction: press button {step}"}
        self._messages.append({"role": "user", "content": [{"type": "image"}, words]})
        self.before, self._now = self._now, self._processor.encode(self._messages, self._pictures)
        return self._now


def _screenshot(size: tuple[int, int], seed: int) -> Any:
    import numpy as np
    from PIL import Image

    coarse = np.random.default_rng(seed).integers(0, 256, (size[1] // 16, size[0] // 16, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.NEAREST)


class _Timed(NamedTuple):
    """Seconds of one reply, and what was said."""

    prefill: float
    token: float
    step: float
    cpu: float
    said: list[int]


def _engine_once(engine: Any, encoded: Any, steering: Any, before: Any) -> _Timed:
    """One reply by an engine that holds the turn before and nothing else."""
    from model.qwen3vl.engine import Free

    engine.forget()
    if before is not None:
        engine.last_logits(before)
        if engine.records:  # as in a run, where the turn before has left a recorded step behind it
            engine.reply(encoded, Free(frozenset(), 2))
            engine.last_logits(before)
            engine.forget_pictures()
    _finished()
    began, cpu = time.perf_counter(), time.process_time()
    out = engine.reply(encoded, steering)
    total = time.perf_counter() - began
    token = (total - out.prefill_s) / max(len(out.ids) - 1, 1)
    return _Timed(out.prefill_s, token, total, time.process_time() - cpu, out.ids)


def _finished() -> None:
    """Wait for what a GPU was given before, so that it is not counted for what comes next."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _generate_once(checkpoint: Any, encoded: Any, tokens: int) -> _Timed:
    import torch

    inputs = {
        "input_ids": torch.from_numpy(encoded.ids)[None],
        "pixel_values": torch.cat([torch.from_numpy(picture.patches()) for picture in encoded.pictures]).to(
            checkpoint.dtype
        ),
        "image_grid_thw": torch.tensor([[1, *picture.grid] for picture in encoded.pictures]),
        "mm_token_type_ids": torch.from_numpy(encoded.token_types)[None],
    }
    ready = {name: value.to(checkpoint.device) for name, value in inputs.items()}

    def say(count: int) -> tuple[float, list[int]]:
        _finished()
        began = time.perf_counter()
        checkpoint.network.model.rope_deltas = None
        out = checkpoint.network.generate(**ready, max_new_tokens=count, do_sample=False, eos_token_id=None)
        said = out[0, len(encoded.ids) :].tolist()
        return time.perf_counter() - began, said

    first, _ = say(1)
    cpu = time.process_time()
    total, said = say(tokens)
    return _Timed(first, (total - first) / max(tokens - 1, 1), total, time.process_time() - cpu, said)


def _medians(timed: list[_Timed]) -> dict[str, float]:
    prefill, token, step, cpu = zip(*(row[:4] for row in timed), strict=True)
    median = statistics.median
    return {"prefill_s": median(prefill), "per_token_s": median(token), "step_s": median(step), "cpu_s": median(cpu)}


def table(found: dict[str, Any]) -> str:
    """What `compare` found, for people."""
    lines = [
        f"{found['checkpoint']}, {found['dtype']} on {found['device']}; milliseconds, medians of {found['repeat']}",
        f"{'':21}{'engine':^27}{'no jumps':^18}{'generate':^27}",
        f"{'step':>4}{'prompt':>8}{'tokens':>8} {'prefill':>9}{'token':>8}{'step':>9}{'token':>9}{'step':>9}"
        f"{'prefill':>10}{'token':>8}{'step':>9}{'ratio':>8}  same",
    ]
    for step, row in found["steps"].items():
        mine, free, other = row["engine"], row["free"], row["generate"]
        cells = [
            f"{step:>4}{row['prompt_tokens']:>8}{row['tokens']:>8} ",
            f"{mine['prefill_s'] * 1e3:>9.1f}{mine['per_token_s'] * 1e3:>8.1f}{mine['step_s'] * 1e3:>9.1f}",
            f"{free['per_token_s'] * 1e3:>9.1f}{free['step_s'] * 1e3:>9.1f}",
            f"{other['prefill_s'] * 1e3:>10.1f}{other['per_token_s'] * 1e3:>8.1f}{other['step_s'] * 1e3:>9.1f}",
            f"{row['ratio']:>7.1f}x  {'yes' if row['same'] else 'no'}",
        ]
        lines.append("".join(cells))
    grown = found["step_20_over_5"]
    lines.append(
        (f"step 20 costs {grown:.2f} times step 5 ({found['cpu_20_over_5']:.2f} of the processor); " if grown else "")
        + f"{found['memory_mb']:.0f} MB at most; decoding reads weights at {found['bandwidth_gb_s']:.1f} GB/s"
    )
    return "\n".join(lines)
