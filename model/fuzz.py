"""What constrained decoding promises, tried: hot replies of a network with random weights, every one of them read back.

Run as `python -m model.fuzz --n 10000`. The tokenizer, the template and the grammar are a checkpoint's own; the network
is a tiny one of the same family with random weights, so that nothing but the grammar keeps a reply in form. A reply
passes when each of its calls is a move, every number it names as a coordinate lies on the grid, and every point lies on
the screen. The numbers are read from the raw text by a pattern of this file, not by the protocol's parser.
"""

from __future__ import annotations

import io
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from actuators.action import pointed
from actuators.geometry import Rect, Screen
from actuators.observation import Frame, Node, Observation
from model.base import Act, Instruction, Unreadable
from model.profile import MaxPixels, Profile, Sampling

__all__ = ["WAYS", "fuzz"]

_SMALL: dict[str, Any] = {
    "turns": 0,
    "max_pixels": MaxPixels(both=4096, pixels=4096),
    "max_new_tokens": 24,
    "deadline_s": 600.0,
}
WAYS: dict[str, Profile] = {
    "computer_use": Profile(**_SMALL),
    "computer_use, thinking": Profile(**_SMALL, thinking=True, think_budget=6, action_line=False),
    "computer_use, calls and zooms": Profile(**_SMALL, calls=3, zooms=1),
    "mobile_use": Profile(**{**_SMALL, "protocol": "mobile_use"}),
}
"""The ways in which a reply is asked for; each gets its share of the replies."""


def fuzz(folder: Path, n: int, temperature: float = 1.5, seed: int = 0) -> dict[str, Any]:
    """Sample `n` replies and read them back.

    Args:
        folder: the checkpoint whose tokenizer, template and image rules are used; its weights are not.
        n: replies in all.
        temperature: of sampling, over all allowed tokens.
        seed: of weights and sampling.

    Returns:
        `replies`, `calls`, `unreadable`, `out_of_range`, `off_screen` (counts), `kinds` (calls by action), `seconds`,
        `first_bad` (the text of the first reply that failed, or None).
    """
    found: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    bad: list[str] = []
    began = time.perf_counter()
    for place, (name, profile) in enumerate(WAYS.items()):
        share = n // len(WAYS) + (place < n % len(WAYS))
        sampling = Sampling(greedy=False, temperature=temperature, top_p=1.0, top_k=0, seed=seed + place)
        most = 999 if profile.protocol == "mobile_use" else 1000
        for screen, text, moves in _replies(folder, profile.model_copy(update={"sampling": sampling}), share, seed):
            found.update(replies=1, calls=len(moves))
            wrong = {
                "unreadable": sum(isinstance(move, Unreadable) for move in moves),
                "out_of_range": sum(not 0 <= number <= most for number in _numbers(text)),
                "off_screen": sum(_off(move, screen) for move in moves),
            }
            found.update(wrong)
            kinds.update(move.action.kind if isinstance(move, Act) else move.kind for move in moves)
            if any(wrong.values()):
                bad.append(f"{name}: {text}")
    counts = {key: found[key] for key in ("replies", "calls", "unreadable", "out_of_range", "off_screen")}
    return {
        **counts,
        "temperature": temperature,
        "kinds": dict(kinds.most_common()),
        "seconds": round(time.perf_counter() - began, 1),
        "first_bad": bad[0] if bad else None,
    }


_PLACE = re.compile(r'"(?:coordinate2?|start|bbox_2d)": \[([^\]]*)\]')


def _numbers(text: str) -> Iterator[float]:
    """Every number of a coordinate in a call, typed words left out; what is no number counts as out of range."""
    called = text.rpartition("</think>\n\n")[2].partition("<tool_call>\n")[2]
    visible = re.sub(r'"(?:text|label)": "(?:[^"\\]|\\.)*"', "", called)
    for place in _PLACE.findall(visible):
        for number in place.split(","):
            yield float(number) if re.fullmatch(r" ?\d{1,4}", number) else -1.0


def _off(move: Any, screen: Screen) -> bool:
    point = pointed(move.action) if isinstance(move, Act) else None
    return point is not None and not screen.contains(point)


def _replies(folder: Path, profile: Profile, n: int, seed: int) -> Iterator[tuple[Screen, str, tuple[Any, ...]]]:
    from model.local import QwenModel

    if not n:
        return
    model = QwenModel(_tiny(folder, profile, seed))
    seen = [_seen(number, 97 + 160 * number, 211) for number in range(3)]
    asked = Instruction("Book a flight", step="Press Search")
    for number in range(n):
        reply = model.propose(asked, [], seen[number % 3], "both")
        yield seen[number % 3].screen, reply.text, (reply.move, *reply.then)


def _tiny(folder: Path, profile: Profile, seed: int) -> Any:
    """The folder's tokenizer and processor around a network of one small layer with random weights."""
    import torch
    import transformers

    from model.qwen3vl.checkpoint import Checkpoint, linear_patch_embedding, without_weights

    tokenizer, processor, config = without_weights(folder)
    ids = {key: config[key] for key in _IDS if key in config}
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    text = {
        "vocab_size": config["text_config"]["vocab_size"], "hidden_size": 32, "intermediate_size": 48, "head_dim": 16,
        "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "rope_parameters": rope,
    }  # fmt: skip
    vision = {
        "depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 32,
        "num_position_embeddings": 16, "deepstack_visual_indexes": [0], "patch_size": processor.rules.patch,
        "spatial_merge_size": processor.rules.merge, "temporal_patch_size": processor.rules.temporal,
    }  # fmt: skip
    torch.manual_seed(seed)
    made = transformers.Qwen3VLConfig(**ids, text_config=text, vision_config=vision)
    kind: Any = transformers.Qwen3VLForConditionalGeneration
    network = kind(made).eval().requires_grad_(False)
    linear_patch_embedding(network)
    return Checkpoint(folder, network, tokenizer, processor, profile, torch.device("cpu"), torch.float32)


_IDS = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")


def _seen(number: int, width: int, height: int) -> Observation:
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    nodes = (Node("1", "button", "Search", Rect(10, 10, 60, 30)), Node("2", "textbox", "From", Rect(10, 40, 60, 60)))
    return Observation(number, 0.0, "fake", Screen(width, height), Frame(buffer.getvalue()), nodes)


def _main() -> int:
    import argparse
    import json

    from model.load import checkpoint_folder, sleeping_threads

    options = argparse.ArgumentParser(prog="python -m model.fuzz", description=(__doc__ or "").split("\n")[0])
    options.add_argument("--n", type=int, default=10_000, help="replies (10000)")
    options.add_argument("--temperature", type=float, default=1.5)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--checkpoint", default="pilot", help="whose tokenizer and template (pilot)")
    given = options.parse_args()
    with sleeping_threads():
        said = fuzz(checkpoint_folder(given.checkpoint), given.n, given.temperature, given.seed)
    print(json.dumps(said, indent=2, ensure_ascii=False))
    return 1 if said["first_bad"] else 0


if __name__ == "__main__":
    raise SystemExit(_main())
