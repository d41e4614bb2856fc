"""The client against a real `transformers serve` with the built-in checkpoint, in a process of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from actuators.geometry import Rect, Screen
from actuators.observation import Frame, Node, Observation
from model.base import Instruction, ModelError, Unreadable
from model.load import checkpoint_folder
from model.server import READINGS, ServerModel, address

pytest.importorskip("fastapi")
pytest.importorskip("openai")
FOLDER = checkpoint_folder("pilot").resolve()


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that answers."""
    port, log = free_port(), tmp_path_factory.mktemp("serve") / "log"
    command = [sys.executable, "-m", "model.serve", "pilot", "--port", str(port), "--device", "cpu"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=env)
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text()[-2000:]
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                    break
            except OSError:
                time.sleep(0.2)
        else:
            pytest.fail(log.read_text()[-2000:])
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def screen(seed: int) -> Observation:
    """256 x 256 pixels: as many as the checkpoint is shown, so that nobody resizes."""
    buffer = io.BytesIO()
    coarse = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((256, 256), Image.Resampling.NEAREST).save(buffer, "png")
    nodes = (Node("1", "button", "Search", Rect(20, 20, 90, 50)), Node("2", "textbox", "From", Rect(20, 80, 90, 110)))
    return Observation(seed, 0.0, "browser", Screen(256, 256), Frame(buffer.getvalue()), nodes)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_server_says_what_the_engine_says(base: str) -> None:
    """The same prompt, pictures included, token for token: free greedy replies of both, then moves read back."""
    from model.local import QwenModel
    from model.qwen3vl.checkpoint import load
    from model.qwen3vl.engine import Engine, Free

    checkpoint = load(FOLDER, dtype="float32")
    here = QwenModel(checkpoint)
    there = ServerModel(address(f"{base}#{FOLDER}"), here.profile.model_copy(update={"deadline_s": 120.0}))
    ends = frozenset([checkpoint.tokenizer.eos_token_id])
    readable = 0
    for seed, step in enumerate(("Click Search", "Type Zurich into From", "Press the button Search")):
        asked, seen = Instruction(step, step=step), screen(seed)
        encoded = here.encode(asked, [], seen, "both")
        wanted: Any = Engine(checkpoint.network).reply(encoded, Free(ends, here.profile.max_new_tokens))
        said, took = there.complete(
            there._messages(there._spoken.prompt(asked, [], seen, "both", 0), "both"), time.monotonic() + 120
        )
        assert said == here._table.text([token for token in wanted.ids if token not in ends])
        assert took["prompt"] == len(encoded.ids) and took["output"] == len(wanted.ids)
        reply = there.propose(asked, [], seen, "both")
        readable += not isinstance(reply.move, Unreadable)
        assert reply.text and reply.prompt_tokens > 0
    assert readable >= 2


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_the_server_refuses_is_one_line(base: str) -> None:
    with pytest.raises(ModelError, match=r"the server says 400: .*pinned") as caught:
        ServerModel(address(f"{base}#another")).propose(Instruction("x"), [], screen(1), "both")
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match=r"the server says 422: .*structured_outputs"):
        ServerModel(address(f"{base}?structured=vllm#{FOLDER}")).propose(Instruction("x"), [], screen(1), "both")
    assert READINGS == 3


@pytest.mark.parametrize(("arguments", "problem"), [([], "usage: "), (["/nowhere"], "no model `/nowhere`")])
def test_a_server_that_cannot_start_says_why(arguments: list[str], problem: str, capsys: Any) -> None:
    from model.serve import main

    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert problem in said and said.count("\n") == 1


def test_pictures_are_never_fetched(tmp_path: Path) -> None:
    from model.serve import ServedProcessor

    processor = ServedProcessor.from_pretrained(str(FOLDER))
    for url in ("http://127.0.0.1:1/x.png", "file:///etc/hostname", str(tmp_path)):
        with pytest.raises(ModelError, match="must come as a data address"):
            processor.apply_chat_template([{"role": "user", "content": [{"type": "image", "url": url}]}])
