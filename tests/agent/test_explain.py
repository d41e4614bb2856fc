"""`agent policy explain RUN STEP`: the act, and what pages sent in that step, with rule, reason and what would help."""

from __future__ import annotations

from pathlib import Path

import pytest
from world import AIR, NARROW, OwnBroker, click, pay

from actuators.observation import Target
from agent.audit.spans import About, Trail
from agent.front import explain_step
from agent.run_folder import RunFolder
from policies.request import Case
from policies.wire_gate import WireGate
from sandboxes.wire import Held

FORM = "application/x-www-form-urlencoded"


def held(path: str, body: str, method: str = "POST") -> Held:
    return Held(f"{AIR}{path}", method, "xhr", AIR, body.encode(), True, FORM)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run whose page sent one thing on its own, then a payment that was pressed, dearer than it was judged."""
    folder = RunFolder.create(tmp_path / "runs", "explain")
    broker = OwnBroker(folder.id, ["booking"])

    def sign(run: str, n: int, root: bytes) -> bytes:
        return broker.sign(run, n, root.hex())

    about = About("explain", policy_digest=broker.policy_digest)
    with Trail.start(folder, about, sign, broker.public_key, lambda text: text) as trail, trail.run_span("x"):
        trail.event("gui.policy", {"policy": "booking", "narrow": NARROW.model_dump_json()})
        gate = WireGate(broker.keeper, lambda one: ("card",) if b"4929" in one.body else (), trail.held)  # type: ignore[arg-type]
        with trail.step(0):
            assert not gate(held("/api/transfer", "amount=9&to=eve"))
            assert not gate(held("/save", "x=4929"))
        with trail.step(1):
            node = pay("89.00 EUR")
            on = Target("browser", node, node.rect.centre, AIR, destination=f"{AIR}/payment")
            assert broker.clear(Case(1, click(node), on)).permit is not None
            assert not gate(held("/payment", "amount=98.00&currency=EUR"))
        trail.end("halted", 30, detail="", steps=2)
    return folder


def told(run: RunFolder, step: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert explain_step(run.id, step, run.path.parent) == 0
    return capsys.readouterr().out.splitlines()


def test_a_request_that_nobody_asked_for_is_explained(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(run, 1, capsys)
    assert lines[0] == f"at the wire: POST {AIR}/api/transfer, taken as buy"
    assert "  not covered by the act before it: no act of the agent asked for it" in lines
    assert any(line.startswith("  rule booking/sent-unasked (forbid in booking") for line in lines)
    assert "  if a person approved it: allow" in lines


def test_a_secret_on_its_way_is_explained(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(run, 1, capsys)
    second = lines[lines.index(f"at the wire: POST {AIR}/save, taken as submit") :]
    assert any("rule house/secret-leaves" in line for line in second)
    assert "  if it carried no secret: allow" in second


def test_another_price_than_was_judged_is_explained(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(run, 2, capsys)
    assert "  not covered by the act before it: it names 98.00 EUR, the act before it was judged as 89.00 EUR" in lines
    assert "  if nothing had been bought yet: ask" in lines


def test_a_step_without_either_names_those_that_have_one(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain_step(run.id, 7, run.path.parent) == 2
    assert "steps with a decision: 1, 2" in capsys.readouterr().err
