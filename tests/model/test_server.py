"""The client against a small real HTTP server, well-behaved and not."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from model_contract import ModelContract
from test_local import seen

from actuators.action import Click, Wait
from model.base import Act, Done, Finish, Instruction, ModelError, Unreadable
from model.load import load_model
from model.profile import MaxPixels, Profile
from model.protocols.computer_use import render_call
from model.server import Address, ServerModel, address

CLICK = "Action: Press it.\n" + render_call({"action": "left_click", "coordinate": [500, 500]})


class Served:
    """What the server is to say, and what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes, dict[str, str]]] = []
        self.asked: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.url = ""

    def say(self, text: Any, status: int = 200, **headers: str) -> None:
        body = {"choices": [{"message": {"role": "assistant", "content": text}}], "usage": {
            "prompt_tokens": 50, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 40}}}  # fmt: skip
        self.answers.append((status, json.dumps(body).encode(), headers))

    def model(self, **changes: Any) -> ServerModel:
        return ServerModel(address(f"{self.url}/v1#Qwen3-VL-2B"), Profile(**{"deadline_s": 20.0, **changes}))


@pytest.fixture
def served() -> Iterator[Served]:
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append((dict(self.headers), {"path": self.path, **body}))
            status, data, headers = state.answers.pop(0) if len(state.answers) > 1 else state.answers[0]
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join(5)


class TestContract(ModelContract):
    @pytest.fixture
    def model(self, served: Served) -> Any:  # type: ignore[override]
        served.say(CLICK)
        return served.model()


def test_a_reply_is_a_move_with_what_it_took(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    served.say(CLICK)
    history = [Done("left_click", reply="<think>\nhm\n</think>\n\nold", seen=seen(1))]
    reply = served.model().propose(Instruction("Book"), history, seen(), "pixels")
    assert reply.move == Act(Click(at=seen().screen.rect.centre), "Press it.")
    assert (reply.prompt_tokens, reply.cached_tokens, reply.output_tokens) == (50, 40, 9)
    assert reply.shown == (seen(1).digest, seen().digest)
    headers, body = served.asked[0]
    assert headers["Authorization"] == "Bearer sk-very-secret" and body["path"] == "/v1/chat/completions"
    assert body["model"] == "Qwen3-VL-2B" and body["temperature"] == 0.0
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert body["messages"][2]["content"] == "old"  # thoughts stay out of the history
    url = body["messages"][3]["content"][0]["image_url"]["url"]
    assert base64.b64decode(url.removeprefix("data:image/png;base64,")) == seen().frame.png
    assert "structured_outputs" not in body


def test_large_pictures_are_shrunk_once(served: Served) -> None:
    from io import BytesIO

    from PIL import Image

    served.say(CLICK)
    model = served.model(max_pixels=MaxPixels(both=4096, pixels=4096))
    for _ in range(2):
        model.propose(Instruction("Book"), [], seen(), "pixels")
    url = served.asked[1][1]["messages"][1]["content"][0]["image_url"]["url"]
    with Image.open(BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        assert image.width * image.height <= 4096
    assert len(model._pictures) == 1


def test_an_unreadable_reply_is_asked_for_again_with_what_was_wrong(served: Served) -> None:
    for text in ("I would click it.", None, CLICK):
        served.say(text)
    reply = served.model().propose(Instruction("Book"), [], seen(), "pixels")
    assert isinstance(reply.move, Act) and reply.output_tokens == 27
    assert "not readable: no tool call" in served.asked[1][1]["messages"][-1]["content"]
    served.answers.clear()
    served.say("never a call")
    last = served.model().propose(Instruction("Book"), [], seen(), "pixels")
    assert isinstance(last.move, Unreadable) and len(served.asked) == 6


def test_failures_that_pass_are_tried_again(served: Served) -> None:
    served.answers = [(503, b"busy", {}), (429, b"slow down", {"Retry_After": "0"}), (200, b"<html>", {})]
    served.say(render_call({"action": "wait", "time": 2}))
    assert served.model().propose(Instruction("Book"), [], seen(), "pixels").move == Act(Wait(seconds=2))
    assert len(served.asked) == 4


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((401, b"who are you", {}), "says 401: set OPENAI_API_KEY"),
        ((400, b'{"error": "too long"}', {}), "says 400: .*too long"),
        ((307, b"", {"Location": "http://127.0.0.1:1/"}), "says 307"),
        ((500, b"", {"Retry_After": "0"}), "says 500: .*gave up after 4 tries"),
    ],
)
def test_failures_that_stay_are_one_line(
    served: Served, answer: Any, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    served.answers = [answer]
    with pytest.raises(ModelError, match=problem) as caught:
        served.model().propose(Instruction("Book"), [], seen(), "pixels")
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "problem"),
    [(b"", "the answer is empty"), (b"<html>hi", "no chat completion: `<html>hi`"), (b'{"choices": []}', "no chat")],
)
def test_garbage_and_nothing_are_one_line(served: Served, body: bytes, problem: str) -> None:
    served.answers = [(200, body, {})]
    with pytest.raises(ModelError, match=problem) as caught:
        served.model(deadline_s=2.0).propose(Instruction("Book"), [], seen(), "pixels")
    assert "\n" not in str(caught.value)


def test_nobody_there_is_one_line() -> None:
    model = ServerModel(Address("http://127.0.0.1:9/v1", "x"), Profile(deadline_s=1.0))
    with pytest.raises(ModelError, match=r"no answer: .*refused") as caught:
        model.propose(Instruction("Book"), [], seen(), "pixels")
    assert "\n" not in str(caught.value)


def test_a_server_that_never_answers_ends_at_the_deadline(served: Served) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = Address(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", "x")
        with pytest.raises(ModelError, match=r"no reply within 0\.5 s"):
            ServerModel(where, Profile(deadline_s=0.5)).propose(Instruction("Book"), [], seen(), "pixels")


def test_stop_ends_the_waiting(served: Served) -> None:
    served.answers = [(503, b"", {})]
    event = threading.Event()
    event.set()
    model = ServerModel(address(f"{served.url}/v1#x"), Profile(), event)
    with pytest.raises(ModelError, match="stopped"):
        model.propose(Instruction("Book"), [], seen(), "pixels")
    assert not served.asked


def test_vllm_is_sent_the_grammar(served: Served) -> None:
    served.say(render_call({"action": "terminate", "status": "success"}))
    model = load_model(f"{served.url}/v1?structured=vllm#Qwen3-VL-8B-Thinking")
    assert model.propose(Instruction("Book"), [], seen(), "pixels").move == Finish()
    body = served.asked[0][1]
    assert body["structured_outputs"]["grammar"].startswith("start: ")
    assert body["max_tokens"] == 1024 + 2048  # a Thinking edition thinks


def test_sglang_is_sent_the_grammar_in_its_own_words(served: Served) -> None:
    served.say(CLICK)
    model = load_model(f"{served.url}/v1?structured=sglang#Qwen3-VL-8B-Instruct")
    model.propose(Instruction("Book"), [], seen(), "pixels")
    assert served.asked[0][1]["ebnf"].startswith("%llguidance {}\nstart: ")


def test_a_server_that_keeps_to_schemas_is_sent_that_of_a_call(served: Served) -> None:
    import jsonschema

    call = {"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [500, 500]}}
    served.say(json.dumps(call))
    model = load_model(f"{served.url}/v1?structured=json#Qwen3-VL-8B-Instruct")
    assert model.propose(Instruction("Book"), [], seen(), "pixels").move == Act(Click(at=seen().screen.rect.centre))
    wanted = served.asked[0][1]["response_format"]
    assert wanted["type"] == "json_schema" and wanted["json_schema"]["strict"]
    schema = wanted["json_schema"]["schema"]
    jsonschema.validate(call, schema)
    for wrong in (
        {"action": "fly"},
        {"action": "left_click", "coordinate": [1, 1001]},
        {"action": "wait", "more": 1},
        {},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**call, "arguments": wrong}, schema)


def shown(body: dict[str, Any]) -> list[tuple[str, bool]]:
    """Name of each picture of a request, and whether its bytes came along."""
    parts = [
        part for message in body["messages"] if isinstance(message["content"], list) for part in message["content"]
    ]
    return [(part["uuid"], part["image_url"] is not None) for part in parts if part["type"] == "image_url"]


def test_the_bytes_of_a_picture_are_sent_once(served: Served) -> None:
    served.say(CLICK)
    model = ServerModel(address(f"{served.url}/v1?images=uuid#x"), Profile(deadline_s=20))
    first, second = (f"{seen(n).digest}@{1280 * 1024}" for n in (1, 2))
    history: list[Done] = []
    for step in (1, 2):
        model.propose(Instruction("Book"), history, seen(step), "pixels")
        history.append(Done("left_click", CLICK, seen(step)))
    assert [shown(body) for _, body in served.asked] == [[(first, True)], [(first, False), (second, True)]]
    served.asked.clear()
    served.answers = [(400, b"no data for uuid", {})]
    served.say(CLICK)
    model.propose(Instruction("Book"), history, seen(2), "pixels")  # the server has forgotten them
    assert [shown(body) for _, body in served.asked] == [
        [(first, False), (second, False), (second, False)],
        [(first, True), (second, True), (second, True)],
    ]
    served.asked.clear()
    served.answers = [(503, b"", {"Retry_After": "0"})]
    served.say(CLICK)
    model.propose(Instruction("Book"), history, seen(2), "pixels")  # it was started anew
    assert [all(whole for _, whole in shown(body)) for _, body in served.asked] == [False, True]


def test_calls_that_a_server_takes_out_of_the_text_are_put_back(served: Served) -> None:
    function = {"name": "computer_use", "arguments": '{"action": "wait", "time": 2}'}
    message = {
        "role": "assistant",
        "content": "Action: Wait.",
        "tool_calls": [{"type": "function", "function": function}],
    }
    served.answers = [(200, json.dumps({"choices": [{"message": message}]}).encode(), {})]
    reply = served.model().propose(Instruction("Book"), [], seen(), "pixels")
    assert reply.move == Act(Wait(seconds=2), "Wait.")


def test_stop_ends_a_request_that_is_under_way() -> None:
    import socket
    import time

    event = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = Address(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", "x")
        threading.Timer(0.2, event.set).start()
        began = time.monotonic()
        with pytest.raises(ModelError, match="stopped while waiting"):
            ServerModel(where, Profile(deadline_s=60), event).propose(Instruction("Book"), [], seen(), "pixels")
        assert time.monotonic() - began < 30


def test_a_server_that_trickles_ends_at_the_deadline() -> None:
    import socket
    import time

    def trickle(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            talk, _ = listening.accept()
            with talk:
                talk.recv(65536)
                talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                for _ in range(400):
                    talk.sendall(b" ")
                    time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=trickle, args=(listening,), daemon=True)
        thread.start()
        where = Address(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", "x")
        with pytest.raises(ModelError, match=r"no reply within 0\.6 s"):
            ServerModel(where, Profile(deadline_s=0.6)).propose(Instruction("Book"), [], seen(), "pixels")
        thread.join(10)
        assert not thread.is_alive()  # the connection was closed, not left to trickle on


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("http://127.0.0.1:1/v1", "names no model"),
        ("http://x/v1?structured=xml#a", "is no setting of a server, expected structured=vllm"),
        ("http://x/v1?images=all#a", "or images=uuid"),
        ("ftp://x/v1#a", "is no server"),
        ("http://me:pw@x/v1#a", "no key belongs in an address"),
        ("http://x/v1?mode=3#a", "is no setting"),
    ],
)
def test_addresses_that_cannot_be_used(text: str, problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        address(text)
