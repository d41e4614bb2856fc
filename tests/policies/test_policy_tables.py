"""Two tables that must be refused in whole: tricks with addresses, and permits that do not fit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from policy_cases import case, node, pay, target

from actuators.action import Click, OpenUrl
from actuators.geometry import Point
from actuators.permit import Permit, PermitRefused, Verifier, signed_bytes
from policies.approver import DenyApprover
from policies.checkpoint import checkpoint_bytes
from policies.decide import PolicySet
from policies.keeper import Keeper
from policies.narrow import Narrow
from policies.sent import sent_of
from sandboxes.wire import Held

OK = "https://ok.example"

TRICKS = [
    # a host that only looks alike
    "https://ok.example.evil.example/", "https://evil.example/ok.example", "https://evil.example?https://ok.example",
    "https://evil.example#https://ok.example", "https://okexample/", "https://ok.example:444/", "http://ok.example/",
    "https://xok.example/", "https://www.ok.example/", "https://ok-example/", "https://ok.exarnple/",
    "https://ок.example/", "https://xn--j1ai.example/", "https://ok.exampIe/", "https://ok.example.",
    "https://ok.example./", "https://ok..example/", "https://.ok.example/", "https://ok.example%2eevil.example/",
    "https://ok.example%00.evil.example/", "https://ok\u3002example.evil.example/", "https://ok.example\uff0eevil.example/",
    "https://ok\u2024example/", "https://ok.ex\u00adample.evil.example/",
    # user names
    "https://ok.example@evil.example/", "https://ok.example:443@evil.example/", "https://user:pass@ok.example/",
    "https://@evil.example/", "https://ok.example%40evil.example/", "https://evil.example\\@ok.example/",
    # slashes and spaces
    "https:\\\\ok.example/", "https:/ok.example/", "https:ok.example", "//ok.example/", "///ok.example", "https:///ok.example/",
    "https://ok.example\\.evil.example/", "https://evil.example\\ok.example", " https://ok.example/", "https://ok.example /",
    "https://ok.exa\tmple/", "https://ok.exa\nmple/", "\u0000https://ok.example/", "https://ok.example\u202e/",
    # this machine and private networks
    "http://127.0.0.1/", "http://localhost/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
    "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://0/", "http://0.0.0.0/",
    "http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "http://10.0.0.1/", "http://192.168.1.1/",
    "http://172.16.0.1/", "http://a.localhost/", "http://127.0.0.1.evil.example/", "http://[::1%25lo]/",
    # other schemes
    "data:text/html,<p>hi", "blob:https://ok.example/1", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)",
    "vbscript:x", "file:///etc/passwd", "view-source:https://ok.example/", "filesystem:https://ok.example/temporary/",
    "about:blank", "chrome://settings", "ftp://ok.example/", "ws://evil.example/", "wss://ok.example.evil.example/",
    "intent://ok.example/#Intent;end", "mailto:a@ok.example", "jar:https://ok.example!/", "feed:https://ok.example/",
    "https+evil://ok.example/", "ok.example", "https://", "https://?", "https://#", "https://:443/", "https://[",
    # ports
    "https://ok.example:99999/", "https://ok.example:0/", "https://ok.example:+443/", "https://ok.example:4 43/", "https://ok.example:٤٤٣/",
]  # fmt: skip


def keeper() -> Keeper:
    narrow = Narrow.model_validate({"origins": [OK], "reads": ["*"], "ask_above": "500 EUR"})
    return Keeper("run", PolicySet.load(["booking"], narrow), DenyApprover())


KEEPER = keeper()


def test_the_table_is_long_and_names_nothing_twice() -> None:
    assert len(TRICKS) >= 60 and len(set(TRICKS)) == len(TRICKS)


@pytest.mark.parametrize("url", TRICKS)
def test_no_trick_opens_sends_or_leads(url: str) -> None:
    """`reads: ["*"]` lets public places be read; nothing else may come of any of them, and private ones not that."""
    link = target(node("link", "More", href=url), origin=OK, url=f"{OK}/", destination=url)
    for one in (case(target(None, origin=OK), action=OpenUrl(url=url[:2000] or "x")), case(link)):
        assert KEEPER.clear(one).permit is None
    for method, kind in (("POST", "document"), ("POST", "ping"), ("PUT", "xhr"), ("SEND", "message")):
        assert not KEEPER.send(sent_of(Held(url, method, kind, OK))).released
    assert not KEEPER.send(sent_of(Held(url, "GET", "document", OK))).released or _public(url)


def _public(url: str) -> bool:
    from policies.place import place_of

    place = place_of(url.replace("ws", "http", 1) if url.startswith("ws") else url)
    return place is not None and not place.local


def test_the_plain_address_is_let_through() -> None:
    assert KEEPER.clear(case(target(None, origin=OK), action=OpenUrl(url=f"{OK}/a"))).permit is not None
    assert KEEPER.send(sent_of(Held(f"{OK}/a", "POST", "xhr", OK))).released


# ---------------------------------------------------------------- permits


def minted() -> tuple[Permit, Verifier]:
    made = Keeper(
        "run",
        PolicySet.load(
            ["booking"], Narrow.model_validate({"origins": ["https://air.example"], "ask_above": "500 EUR"})
        ),
        DenyApprover(),
    )
    permit = made.clear(case(pay(), step=3)).permit
    assert permit is not None
    return permit, Verifier(made.public_key, "run", json.loads(permit.body)["policy_digest"])


def changed(**told: Any) -> Callable[[Permit], Permit]:
    def alter(permit: Permit) -> Permit:
        body = {**json.loads(permit.body), **told}
        return Permit(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False), permit.signature)

    return alter


def signed_by_another(permit: Permit) -> Permit:
    return Permit(permit.body, Ed25519PrivateKey.generate().sign(signed_bytes(permit.body)))


OTHER_ACTION = Click(at=Point(6, 6)).model_dump(mode="json")
MISFITS: dict[str, Callable[[Permit], Permit]] = {
    "another run": changed(run="other"),
    "another step": changed(step=4),
    "an earlier step": changed(step=1),
    "another action": changed(action=OTHER_ACTION),
    "another digest of the action": changed(action_digest="0" * 64),
    "another target": changed(target_digest="0" * 64),
    "another screen": changed(seen_digest="0" * 64),
    "another policy": changed(policy_digest="0" * 64),
    "another nonce": changed(nonce="0" * 32),
    "a later end": changed(expires=time.time() + 9999),
    "an earlier beginning": changed(not_before=0.0),
    "another version": changed(v=2),
    "something more": changed(extra=1),
    "white space": lambda permit: Permit(permit.body + " ", permit.signature),
    "another order of keys": lambda permit: Permit(
        json.dumps(dict(reversed(json.loads(permit.body).items()))), permit.signature
    ),
    "a signature by another key": signed_by_another,
    "a turned bit": lambda permit: Permit(permit.body, bytes([permit.signature[0] ^ 1]) + permit.signature[1:]),
    "half a signature": lambda permit: Permit(permit.body, permit.signature[:32]),
    "no signature": lambda permit: Permit(permit.body, b""),
    "no body": lambda permit: Permit("", permit.signature),
    "a signature over the bare body": lambda permit: Permit(permit.body, b"\0" * 64),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_permit_that_was_altered_is_refused_and_the_real_one_still_holds(name: str) -> None:
    permit, verifier = minted()
    with pytest.raises(PermitRefused):
        verifier.accept(MISFITS[name](permit))
    assert verifier.accept(permit).step == 3


def test_a_permit_holds_once() -> None:
    permit, verifier = minted()
    verifier.accept(permit)
    with pytest.raises(PermitRefused, match="used already"):
        verifier.accept(permit)


@pytest.mark.parametrize(
    ("run", "policy", "why"), [("other", None, "another run"), ("run", "0" * 64, "another policy")]
)
def test_a_permit_does_not_hold_elsewhere(run: str, policy: str | None, why: str) -> None:
    made = keeper()
    clearance = made.clear(case(target(None, origin=OK), action=OpenUrl(url=f"{OK}/a")))
    assert clearance.permit is not None
    digest = policy or json.loads(clearance.permit.body)["policy_digest"]
    with pytest.raises(PermitRefused, match=why):
        Verifier(made.public_key, run, digest).accept(clearance.permit)


@pytest.mark.parametrize("shift_s", [-3600.0, 11.0, 3600.0])
def test_a_permit_holds_for_ten_seconds(monkeypatch: pytest.MonkeyPatch, shift_s: float) -> None:
    permit, verifier = minted()
    then = time.time() + shift_s
    monkeypatch.setattr(time, "time", lambda: then)
    with pytest.raises(PermitRefused, match="not valid at this time"):
        verifier.accept(permit)


def test_a_signed_checkpoint_is_no_permit() -> None:
    permit, verifier = minted()
    key = Ed25519PrivateKey.generate()
    with pytest.raises(PermitRefused):
        verifier.accept(Permit(permit.body, key.sign(checkpoint_bytes("run", 1, "0" * 64))))
