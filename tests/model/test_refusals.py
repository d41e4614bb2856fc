"""What a user meets first when something is wrong: one clear line each, through the one door that all commands use."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from test_checkpoint import change, no_pad_token, shards
from test_local import seen

from model.base import Instruction, ModelError
from model.load import load_model
from model.profile import Profile


def of_another_family(folder: Path) -> None:
    change(folder / "config.json", "model_type", "qwen2_5_vl")


def starved(_: Path) -> None:
    from model.qwen3vl import checkpoint

    pytest.MonkeyPatch().setattr(checkpoint, "free_bytes", lambda device: 10**5)


FOLDERS: dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]] = {
    "a missing shard": (shards, ("model-00002-of-00002.safetensors", "is missing", "download it")),
    "a config of another family": (of_another_family, ("config.json", "`qwen2_5_vl`", "expected qwen3_vl")),
    "a tokenizer without image tokens": (
        no_pad_token,
        ("the tokenizer has no <|image_pad|>", "expected the tokenizer"),
    ),
    "too little memory": (starved, ("needs", "GB free on cpu", "would fit")),
    "weights that may run code": (
        lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
        ("found pytorch_model.bin which may run code", "convert the weights to safetensors"),
    ),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_cannot_be_used(
    name: str, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    spoil, words = FOLDERS[name]
    folder = shutil.copytree(tiny_folder, tmp_path / "copy")
    with monkeypatch.context() as patch:
        patch.setattr(pytest, "MonkeyPatch", lambda: patch)
        spoil(folder)
        with pytest.raises(ModelError) as caught:
            load_model(folder)
    said = str(caught.value)
    assert str(folder) in said and all(word in said for word in words), said
    assert "\n" not in said and len(said) < 400
    assert capfd.readouterr() == ("", "")  # nothing else is said anywhere


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], str]]:
    said = [b""]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(said[0])))
            self.end_headers()
            self.wfile.write(said[0])

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def address(body: bytes) -> str:
        said[0] = body
        return f"http://127.0.0.1:{server.server_address[1]}/v1#x"

    yield address
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>It works!", "the answer is no chat completion: `<html>It works!`"),
        (b"", "the answer is empty"),
        (json.dumps({"choices": []}).encode(), "the answer is no chat completion"),
        (b"\xff\xfe\x00" * 50, "the answer is no chat completion"),
    ],
)
def test_a_server_that_answers_garbage_or_nothing(answering: Callable[[bytes], str], body: bytes, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_model(answering(body), profile=Profile(deadline_s=1.2)).propose(Instruction("x"), [], seen(), "pixels")
    said = str(caught.value)
    assert said.startswith("http://127.0.0.1:") and words in said and "gave up after" in said
    assert "\n" not in said and "\x00" not in said and len(said) < 300
