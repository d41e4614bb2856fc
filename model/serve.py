"""`transformers serve` with this package's processor: a Qwen3-VL checkpoint behind an OpenAI-compatible address.

Run as `python -m model.serve FOLDER --port 8000`; whatever `transformers serve` takes may follow. The stock processor
of the family wants torchvision; ours makes the same patches, tokens and positions without it, and is registered in its
place before transformers' own command line runs. Pictures come as data addresses: nothing is fetched for a request.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import BatchFeature

from model.base import ModelError
from model.load import checkpoint_folder
from model.qwen3vl.checkpoint import without_weights
from model.qwen3vl.processor import Picture, Processor

__all__ = ["ServedProcessor", "main", "register"]


class ServedProcessor:
    """What `transformers serve` asks of a processor, answered by ours."""

    def __init__(self, tokenizer: Any, processor: Processor) -> None:
        self.tokenizer = tokenizer
        self._processor = processor

    @classmethod
    def from_pretrained(cls, folder: str, **_: Any) -> ServedProcessor:
        """The processor of a checkpoint's folder.

        Raises:
            ModelError: anything wrong with the folder; see `qwen3vl.checks`.
        """
        tokenizer, processor, _config = without_weights(Path(folder))
        return cls(tokenizer, processor)

    def apply_chat_template(self, messages: Sequence[Mapping[str, Any]], **_: Any) -> BatchFeature:
        """Messages with pictures as data addresses, as the tensors that `generate` takes."""
        pictures: list[Picture] = []
        told = [{"role": message["role"], "content": self._parts(message["content"], pictures)} for message in messages]
        encoded = self._processor.encode(told, pictures)
        data: dict[str, Any] = {
            "input_ids": torch.from_numpy(encoded.ids)[None],
            "attention_mask": torch.ones(1, len(encoded.ids), dtype=torch.int64),
            "mm_token_type_ids": torch.from_numpy(encoded.token_types)[None],
        }
        if pictures:
            data["pixel_values"] = torch.cat([torch.from_numpy(picture.patches()) for picture in pictures])
            data["image_grid_thw"] = torch.tensor([[1, *picture.grid] for picture in pictures])
        return BatchFeature(data)

    def _parts(self, content: Any, pictures: list[Picture]) -> Any:
        if isinstance(content, str):
            return content
        parts = []
        for part in content:
            if part["type"] == "image":
                pictures.append(self._picture(part["url"]))
                parts.append({"type": "image"})
            else:
                parts.append({"type": "text", "text": part["text"]})
        return parts

    def _picture(self, url: str) -> Picture:
        kind, comma, data = url.partition(",")
        if not comma or not kind.startswith("data:image/"):
            raise ModelError("a picture must come as a data address, data:image/png;base64,...")
        raw = base64.b64decode(data)
        image = Image.open(io.BytesIO(raw)).convert("RGB")
        return self._processor.picture(hashlib.sha256(raw).hexdigest(), lambda: image, image.size)

    def decode(self, ids: Any, **how: Any) -> str:
        """Tokens as text."""
        return str(self.tokenizer.decode(ids, **how))


def register() -> None:
    """Put our processor where transformers looks for the family's."""
    import transformers
    from transformers.models import qwen3_vl

    setattr(qwen3_vl, "Qwen3VLProcessor", ServedProcessor)  # noqa: B010  a name that the files of a checkpoint give
    setattr(transformers, "Qwen3VLProcessor", ServedProcessor)  # noqa: B010
    for config in (transformers.Qwen3VLConfig, transformers.Qwen3VLMoeConfig):
        found: Any = transformers.AutoProcessor
        found.register(config, ServedProcessor, exist_ok=True)


def main(arguments: Sequence[str]) -> int:
    """Serve the checkpoint that the first argument names; the rest goes to `transformers serve`."""
    if not arguments or arguments[0].startswith("-"):
        print("usage: python -m model.serve FOLDER [options of transformers serve]", file=sys.stderr)
        return 2
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        folder = checkpoint_folder(arguments[0]).resolve()
        without_weights(folder)
    except ModelError as problem:
        print(f"model.serve: {problem}", file=sys.stderr)
        return 2
    from transformers.utils.import_utils import is_serve_available

    if not is_serve_available():
        print("model.serve: fastapi, uvicorn and openai are missing: pip install 'deskhand[serving]'", file=sys.stderr)
        return 2
    register()
    from transformers.cli.transformers import app

    local = [] if "--host" in arguments else ["--host", "127.0.0.1"]
    app(["serve", str(folder), *local, *arguments[1:]])
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
