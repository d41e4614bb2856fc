"""Whoever should not come in does not, and whoever came in does no more than they may."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from console_desk import PASSWORDS, Console, Desk, Serve, pay, picture, typing

from agent.alerts import signature
from agent.console.app import Proxy
from agent.console.doors import CSP, Limiter
from agent.store.keys import own_key
from policies.approval import Answer

SHARED = "a key that is shared"


def cookie_of(answer: httpx.Response) -> str:
    return answer.headers.get("set-cookie", "")


Attack = Callable[[Console, Desk], httpx.Response]


def _post(console: Console, desk: Desk, who: str = "ada", headers: dict[str, str] | None = None, **fields: str) -> Any:
    asked = console.store.requests.waiting()[0]
    client = console.client(who)
    told = {"csrf": client.csrf(), "digest": asked.digest, "verb": "approve", **fields}
    return client.http.post(
        f"/requests/{asked.id}/answer", data=told, headers={"origin": console.origin, **(headers or {})}
    )


ATTACKS: dict[str, tuple[Attack, tuple[int, ...]]] = {
    "no cookie reads": (lambda c, d: c.client().get("/waiting", headers={"accept": "application/json"}), (401,)),
    "no cookie, frames": (lambda c, d: c.client().get(f"/frames/run-1/{'0' * 64}.png"), (401,)),
    "no cookie, events": (lambda c, d: c.client().get("/events"), (401,)),
    "no cookie answers": (
        lambda c, d: c.client().post(f"/requests/{c.store.requests.waiting()[0].id}/answer", verb="approve"),
        (401,),
    ),
    "a made-up cookie": (
        lambda c, d: c.client().get("/waiting", headers={"cookie": "deskhand=" + "A" * 43, "accept": "*/*"}),
        (401,),
    ),
    "a viewer approves": (lambda c, d: _post(c, d, "vera"), (403,)),
    "a viewer stops a run": (
        lambda c, d: (v := c.client("vera")).post("/runs/run-1/stop", csrf=v.csrf()),
        (403,),
    ),
    "no csrf token": (lambda c, d: _post(c, d, csrf=""), (403,)),
    "somebody else's csrf token": (lambda c, d: _post(c, d, csrf=c.client("bob").csrf()), (403,)),
    "another name of the host": (lambda c, d: _post(c, d, headers={"host": "evil.example"}), (421,)),
    "a name that points here (rebinding)": (
        lambda c, d: c.client("ada").get("/waiting", headers={"host": "attacker.example:80"}),
        (421,),
    ),
    "the right name on another port": (
        lambda c, d: c.client("ada").get("/waiting", headers={"host": "127.0.0.1:1"}),
        (421,),
    ),
    "a foreign origin": (lambda c, d: _post(c, d, headers={"origin": "https://evil.example"}), (403,)),
    "an opaque origin": (lambda c, d: _post(c, d, headers={"origin": "null"}), (403,)),
    "a foreign origin only reads": (
        lambda c, d: c.client("ada").get("/waiting", headers={"origin": "https://evil.example"}),
        (403,),
    ),
    "a picture from another site": (
        lambda c, d: c.client("ada").get(
            "/waiting", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
        ),
        (403,),
    ),
    "a preflight": (
        lambda c, d: c.client().http.options(
            "/waiting", headers={"origin": "https://evil.example", "access-control-request-method": "POST"}
        ),
        (403,),
    ),
    "another card's digest": (lambda c, d: _post(c, d, digest="0" * 64), (409,)),
    "a text where there is none": (lambda c, d: _post(c, d, verb="instead", value="100"), (400,)),
    "a verb that is none": (lambda c, d: _post(c, d, verb="approve; deny"), (400,)),
    "for ever": (lambda c, d: _post(c, d, for_run="yes", minutes="600"), (400,)),
    "for a negative time": (lambda c, d: _post(c, d, for_run="yes", minutes="-5"), (400,)),
    "a large body": (lambda c, d: _post(c, d, value="x" * 70_000), (413,)),
    "a frame outside": (lambda c, d: c.client("ada").get("/frames/run-1/..%2f..%2fstore.db"), (404,)),
    "a frame outside, by its run": (
        lambda c, d: c.client("ada").get(f"/frames/..%2f..%2f..%2fetc/{'0' * 64}.png"),
        (404,),
    ),
    "a frame with a name in it": (lambda c, d: c.client("ada").get(f"/frames/run-1/{'0' * 63}%00.png"), (404,)),
    "a file beside the static ones": (lambda c, d: c.client().get("/static/..%2fapp.py"), (404,)),
    "a run outside": (lambda c, d: c.client("ada").get("/runs/..%2f..%2fetc"), (404,)),
    "an answer from outside, without a key": (lambda c, d: c.client().http.post("/answers", content=b"{}"), (404,)),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_refused(name: str, console: Console, desk: Desk) -> None:
    desk.run("run-1", png=picture())
    asking = desk.ask(pay())
    attack, codes = ATTACKS[name]
    found = attack(console, desk)
    assert found.status_code in codes, (found.status_code, found.text[:200])
    assert console.store.requests.state(asking.id) == "open" and console.store.requests.decided(asking.id) is None
    run = console.store.runs.get("run-1")
    assert run is not None and run.stop_by == ""
    assert "access-control-allow-origin" not in found.headers


def test_a_body_without_a_length_is_cut_off(console: Console) -> None:
    host, port = console.origin.removeprefix("http://").split(":")
    head = f"POST /enter HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {console.origin}\r\nTransfer-Encoding: chunked\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as sent:
        sent.sendall(head.encode())
        try:
            for _ in range(40):
                sent.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
            sent.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # it hung up, which is what is wanted
        said = sent.recv(200)
    assert said.startswith(b"HTTP/1.1 413") or said == b""


def test_every_answer_forbids_what_the_pages_do_not_need(console: Console) -> None:
    ada = console.client("ada")
    for address in ("/waiting", "/runs", "/enter", "/static/console.js", "/nothing"):
        headers = ada.get(address).headers
        assert headers["content-security-policy"] == CSP and "unsafe" not in CSP and "*" not in CSP
        assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff")
        assert "server" not in headers


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(console: Console) -> None:
    client = console.client()
    told = cookie_of(client.post("/enter", name="ada", password=PASSWORDS["ada"])).lower()
    assert "httponly" in told and "samesite=strict" in told and "path=/" in told
    assert client.post("/leave", csrf=client.csrf()).status_code == 303
    assert client.get("/waiting", headers={"accept": "*/*"}).status_code == 401


def test_passwords_cannot_be_tried_out(serve: Serve) -> None:
    console = serve(entry_tries=3)
    client = console.client()
    codes = [client.post("/enter", name="ada", password=f"wrong {n}").status_code for n in range(5)]
    assert codes == [403, 403, 403, 429, 429]
    assert client.post("/enter", name="ada", password=PASSWORDS["ada"]).status_code == 429


def test_a_limit_is_over_after_its_time() -> None:
    now = [0.0]
    limiter = Limiter(2, 60, lambda: now[0])
    limiter.tried("a")
    limiter.tried("a")
    assert limiter.full("a") and not limiter.full("b")
    now[0] = 61
    assert not limiter.full("a")


def test_a_link_opens_once(console: Console) -> None:
    token = console.link("ada").partition("link=")[2]
    codes = [console.client().post("/enter", link=token).status_code for _ in range(2)]
    assert codes == [303, 403]


def test_an_operator_who_is_disabled_is_out_at_once(console: Console) -> None:
    ada = console.client("ada")
    assert ada.get("/waiting").status_code == 200
    console.store.people.disable("ada")
    assert ada.get("/waiting", headers={"accept": "*/*"}).status_code == 401


def test_a_proxy_is_believed_only_with_its_secret(serve: Serve) -> None:
    console = serve(proxy=Proxy("x-forwarded-user", "the proxy's own secret"))
    right = {"x-forwarded-user": "ada", "x-deskhand-proxy": "the proxy's own secret", "accept": "*/*"}
    client = console.client()
    assert client.get("/waiting", headers=right).status_code == 200
    for wrong in ({"x-deskhand-proxy": "a guess"}, {"x-deskhand-proxy": ""}, {"x-forwarded-user": "nobody"}):
        assert client.get("/waiting", headers={**right, **wrong}).status_code == 401
    assert serve().client().get("/waiting", headers=right).status_code == 401


# answers from outside


def _signed(body: bytes, key: str = SHARED, at: float | None = None) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    return {"x-deskhand-timestamp": stamp, "x-deskhand-signature": signature(key, stamp, body)}


def _told(console: Console, asking: Any, **more: Any) -> bytes:
    asked = console.store.requests.get(asking.id)
    assert asked is not None
    told = {"request": asked.id, "digest": asked.digest, "answer": "approved", "by": "ada", "nonce": "nonce-0001"}
    return json.dumps({**told, **more}).encode()


def test_answers_from_outside_count_once_and_only_when_signed(serve: Serve, desk: Desk) -> None:
    console = serve(answers_key=SHARED)
    desk.run()
    asking, other = desk.ask(pay()), desk.ask(typing())
    client = console.client().http
    good = _told(console, asking)
    refused = {
        "another key": (good, _signed(good, "another key that nobody has")),
        "too old": (good, _signed(good, at=time.time() - 3600)),
        "altered": (good.replace(b"approved", b"stopped"), _signed(good)),
        "a viewer": ((v := _told(console, asking, by="vera", nonce="nonce-0002")), _signed(v)),
        "nobody": ((n := _told(console, asking, by="nobody", nonce="nonce-0003")), _signed(n)),
        "no json": (b"[1]", _signed(b"[1]")),
        "another card": ((o := _told(console, asking, digest="0" * 64, nonce="nonce-0004")), _signed(o)),
    }
    for name, (body, headers) in refused.items():
        found = client.post("/answers", content=body, headers=headers)
        assert found.status_code in (400, 401, 403, 409), (name, found.text)
        assert console.store.requests.state(asking.id) == "open", name
    assert client.post("/answers", content=good, headers=_signed(good)).status_code == 200
    assert (asking.came().answer, asking.came().by) == ("approved", "ada")
    again = _told(console, other)  # the same nonce for another question
    assert client.post("/answers", content=again, headers=_signed(again)).status_code == 409
    assert client.post("/answers", content=good, headers=_signed(good)).status_code == 409
    assert other.approval is None


def test_questions_go_out_signed(store: Any, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    from agent.console.hooks import hook_of

    came: list[tuple[dict[str, str], bytes]] = []
    got = threading.Event()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            came.append((headers, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()
            if len(came) == 2:
                got.set()

        def log_message(self, *told: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    desk.run()
    asking = desk.ask(pay(name="Pay <b>&</b>"))
    url = f"http://127.0.0.1:{server.server_port}/in"
    for shape in ("json", "slack"):
        settings = {"AGENT_APPROVAL_URL": url, "AGENT_APPROVAL_KEY": SHARED, "AGENT_APPROVAL_SHAPE": shape}
        out = hook_of(settings, store, "http://127.0.0.1:8642")
        assert out is not None
        before = len(came)
        with out:
            until = time.monotonic() + 20
            while len(came) == before and time.monotonic() < until:
                time.sleep(0.05)
    server.shutdown()
    server.server_close()
    (headers, body), (_, slack) = came
    stamp = headers["x-deskhand-timestamp"]
    wanted = "sha256=" + hmac.new(SHARED.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["x-deskhand-signature"] == wanted
    told = json.loads(body)
    assert told["request"] == asking.id and told["card"]["costs"] == "89.00 EUR" and told["at"].endswith(asking.id)
    chat = json.loads(slack)
    assert set(chat) == {"text", "blocks"} and "<b>" not in chat["text"]


def test_of_several_consoles_one_posts_a_question_and_what_was_not_taken_is_tried_again(
    store: Any, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three consoles and one that starts later post four questions once; a receiver that is away costs none of them."""
    import agent.console.hooks as hooks

    away, came = threading.Event(), []

    def put(self: Any, told: Any) -> bool:
        if not away.is_set():
            return False
        came.append(told["request"])
        return True

    monkeypatch.setattr(hooks._Post, "put", put)
    monkeypatch.setattr(hooks, "LEASE_S", 1.0)
    desk.run()
    asked = [desk.ask(pay()) for _ in range(4)]
    settings = {"AGENT_APPROVAL_URL": "http://127.0.0.1:9/in", "AGENT_APPROVAL_KEY": SHARED}

    def begun(stack: ExitStack) -> None:
        out = hooks.hook_of(settings, store, "http://127.0.0.1:8642")
        assert out is not None
        stack.enter_context(out)

    with ExitStack() as stack:
        for _ in range(3):
            begun(stack)
        time.sleep(1.5)
        assert came == []
        away.set()
        until = time.monotonic() + 30
        while len(came) < 4 and time.monotonic() < until:
            time.sleep(0.05)
        begun(stack)
        time.sleep(2.5)
    assert sorted(came) == sorted(one.id for one in asked)


# the agent can neither reach the console nor answer for a person


def test_no_answer_counts_that_no_key_of_the_list_has_signed(store: Any, desk: Desk) -> None:
    """Whoever can write to the store can at most have a question answered with no."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from agent.store.keys import sign

    desk.run()
    asking = desk.ask(pay())
    asked = store.requests.get(asking.id)
    forged = Answer(asked.id, asked.run, asked.digest, "approved", "ada", time.time())
    body, signed = sign(forged, Ed25519PrivateKey.generate())
    assert store.requests.decide(forged, body, signed, "console") is None
    said = asking.came()
    assert said.answer == "denied" and "no key that counts" in said.by


def test_an_answer_to_one_question_is_none_to_another(store: Any, desk: Desk) -> None:
    from dataclasses import replace

    from agent.store.keys import sign

    desk.run()
    first, second = desk.ask(typing()), desk.ask(pay())
    one, two = store.requests.get(first.id), store.requests.get(second.id)
    answer = Answer(one.id, one.run, one.digest, "approved", "ada", time.time())
    body, signed = sign(answer, own_key())
    moved = replace(answer, request=two.id, digest=two.digest)
    assert store.requests.decide(moved, body, signed, "console") is None
    assert second.came().answer == "denied" and "another question" in second.came().by


def test_a_card_that_was_altered_in_the_store_gets_no_yes(store: Any, console: Console, desk: Desk) -> None:
    """What is signed is the digest of what was shown; the broker compares it with what it wrote."""
    from sqlalchemy import update

    from agent.store.engine import writing
    from agent.store.tables import requests
    from policies.approval import digest_of

    desk.run()
    asking = desk.ask(pay())
    asked = store.requests.get(asking.id)
    lie = asked.card.replace("89.00", "1.00")
    with writing(store.engine) as connection:
        connection.execute(update(requests).where(requests.c.id == asked.id).values(card=lie, digest=digest_of(lie)))
    assert console.client("ada").answer(asking, "approve").status_code == 303
    assert asking.came().answer == "denied"


def test_an_unchanged_digest_over_an_altered_card_is_not_signed(store: Any, console: Console, desk: Desk) -> None:
    from sqlalchemy import update

    from agent.store.engine import writing
    from agent.store.tables import requests

    desk.run()
    asking = desk.ask(pay())
    asked = store.requests.get(asking.id)
    with writing(store.engine) as connection:
        lie = asked.card.replace("89.00", "1.00")
        connection.execute(update(requests).where(requests.c.id == asked.id).values(card=lie))
    assert console.client("ada").answer(asking, "approve").status_code == 409
    assert asking.approval is None


BROKER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from policies.broker import Broker
from policy_cases import case, narrow, pay
with Broker("run-1", ["booking"], narrow(ask_above="250 EUR"), approve="console", approve_s=30,
            process="agent.store.broker", asking={"store": sys.argv[2]}) as broker:
    told = broker.clear(case(pay("Pay 400.00 EUR")))
    print(told.approval.answer, told.approval.by, told.permit is not None)
"""


def test_a_run_needs_no_key_and_gets_its_answer_without_one(store: Any, home: Path, desk: Desk) -> None:
    """The run's configuration holds the list of keys and no key; its broker asks, and takes what the console signed."""
    elsewhere = home / "run-config"
    elsewhere.mkdir()
    (elsewhere / "approvers").write_text((home / "config" / "approvers").read_text())
    root = Path(__file__).parents[2]
    env = {**os.environ, "AGENT_CONFIG": str(elsewhere), "PYTHONPATH": str(root)}
    arguments = [sys.executable, "-c", BROKER, str(root / "tests" / "policies"), os.environ["AGENT_STORE"]]
    child = subprocess.Popen(arguments, env=env, stdout=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 60
        while not (waiting := store.requests.waiting()) and time.monotonic() < until:
            time.sleep(0.05)
        from agent.console.deciding import Wish, decide
        from agent.store.people import Operator

        decide(
            store, own_key(), Operator("ada", "approver"), waiting[0], Wish("approved", waiting[0].digest), "console"
        )
        out, _ = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert out.split() == ["approved", "ada", "True"]
    assert sorted(one.name for one in elsewhere.iterdir()) == ["approvers"]


def test_the_run_side_never_touches_the_key() -> None:
    """What runs in the agent's process and in its broker names no private key."""
    root = Path(__file__).parents[2] / "agent"
    for name in ("store/approver.py", "store/broker.py", "store/presence.py", "attended.py", "wire_up.py", "turn.py"):
        text = (root / name).read_text()
        assert "own_key" not in text and "PrivateKey" not in text and "sign(" not in text, name


def test_nothing_of_the_agent_may_go_to_the_console_even_where_the_task_names_it() -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "policies"))
    from policies.consequence import Consequence
    from policies.decide import PolicySet
    from policies.narrow import Narrow
    from policies.request import Counters
    from policies.sending import sending_of
    from policies.sent import Sent, effect_of

    origin = "http://127.0.0.1:8642"
    for never, verdict in (((), "allow"), ((origin,), "deny")):
        narrow = Narrow.model_validate({"origins": [origin], "reads": [origin], "never": never})
        policies = PolicySet.load(["browse"], narrow)
        sent = Sent("GET", origin + "/waiting", "document", origin)
        effect: Consequence = effect_of(sent)
        decided = policies.decide(sending_of(sent, effect, None, False, Counters(), narrow))
        assert decided.verdict == verdict, decided


def test_a_run_that_asks_at_a_console_is_kept_from_every_console(store: Any, home: Path) -> None:
    from agent.attended import console_origins
    from agent.store.listeners import Listening

    with (
        Listening(store.listeners, "console", "0" * 64, "http://127.0.0.1:8642"),
        Listening(store.listeners, "console", "0" * 64, "https://console.example.org"),
    ):
        for approve in ("console", "tty", "deny"):
            assert console_origins(approve) == ("http://127.0.0.1:8642", "https://console.example.org")
    assert console_origins("console") == ()
