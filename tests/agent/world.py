"""A small surface, real rules, a real trail: what the loop needs, in one process and without a browser."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from PIL import Image

from actuators.action import Action, Click, TypeText, pointed
from actuators.base import Settled
from actuators.geometry import Point, Rect, Screen
from actuators.observation import Form, Frame, Node, Observation, Surface, Target
from actuators.permit import Permit, PermitRefused, Verifier
from actuators.receipt import Receipt, ReceiptStatus
from agent.audit.spans import About, Trail
from agent.audit.verify import Verdict, verify
from agent.checks import Checked
from agent.limits import Limits
from agent.outcome import Ending
from agent.parts import Parts
from agent.plan import Plan, PlanStep
from agent.run import to_the_end
from agent.run_folder import RunFolder, RunRecord
from agent.step import Step
from model.scripted import ScriptedModel
from policies.approver import DenyApprover
from policies.broker import Broker
from policies.decide import PolicySet
from policies.decision import Clearance
from policies.gate import Gate
from policies.keeper import Keeper
from policies.narrow import Narrow
from policies.request import Case
from policies.wire import case_to, clearance_from

AIR = "https://air.example"
SCREEN = Screen(200, 100)
NARROW = Narrow.model_validate({"origins": [AIR], "ask_above": "250 EUR", "deny_above": "500 EUR", "max_buys": 1})


def button(name: str, row: int = 0, **facts: Any) -> Node:
    return Node(id=name, role="button", name=name, rect=Rect(0, row * 20, 100, row * 20 + 20), origin=AIR, **facts)


def pay(amount: str = "89.00 EUR", row: int = 0) -> Node:
    return button(f"Pay {amount}", row, submits=True, form=Form("POST", f"{AIR}/payment", f"Total {amount}"))


def text_field(name: str, row: int = 0, **facts: Any) -> Node:
    rect = Rect(0, row * 20, 100, row * 20 + 20)
    return Node(id=name, role="textbox", name=name, rect=rect, origin=AIR, editable=True, tag="input", **facts)


def click(node: Node) -> Click:
    return Click(at=node.rect.centre)


def _png(colour: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (SCREEN.width, SCREEN.height), (colour % 256, colour // 256 % 256, 0)).save(out, "PNG")
    return out.getvalue()


@dataclass
class Fake:
    """Implements `actuators.base.Actuator` on a list of nodes. `then` changes the list after an act was carried out."""

    verifier: Verifier
    nodes: list[Node]
    then: Callable[[Fake, Action], None] = lambda world, action: None
    receipt: Callable[[Fake, Action], ReceiptStatus] = lambda world, action: "done"
    before: Callable[[Fake], None] = lambda world: None
    """Called between the decision and the act, when the hand looks again."""
    settling: Callable[[Fake], None] = lambda world: None
    """Called whenever somebody waits for stillness."""
    broken: str = ""
    """The name of a method that raises `error` from now on."""
    error: Exception = field(default_factory=lambda: RuntimeError("nothing"))
    acts: list[Action] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    looks: int = 0
    colour: int = 0

    @property
    def surface(self) -> Surface:
        return "fake"

    def observe(self) -> Observation:
        self._break("observe")
        self.looks += 1
        frame = Frame(_png(self.colour))
        return Observation(self.looks, time.time(), "fake", SCREEN, frame, tuple(self.nodes), origin=AIR, url=AIR + "/")

    def target(self, action: Action, seen: Observation) -> Target:
        self._break("target")
        return self._target(action)

    def perform(self, permit: Permit) -> Receipt:
        self._break("perform")
        receipt = self._performed(permit)
        self.receipts.append(receipt)
        return receipt

    def _performed(self, permit: Permit) -> Receipt:
        now = time.time()
        try:
            terms = self.verifier.accept(permit)
        except PermitRefused as refused:
            return Receipt("refused", None, now, now, str(refused))
        self.before(self)
        if self._target(terms.action).digest != terms.target_digest:
            return Receipt("stale", None, now, now, "something else is there now")
        status = self.receipt(self, terms.action)
        if status in ("done", "unknown"):
            self.acts.append(terms.action)
        if status == "done":
            self.then(self, terms.action)
        return Receipt(status, terms.action if status in ("done", "unknown") else None, now, time.time(), "as told")

    def settle(self, bound_s: float = 3.0) -> Settled:
        self._break("settle")
        self.settling(self)
        return Settled(True, 0.0)

    def show(self, *nodes: Node) -> None:
        """Another screen."""
        self.nodes = list(nodes)
        self.colour += 1

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def _break(self, name: str) -> None:
        if self.broken == name:
            raise self.error

    def _target(self, action: Action) -> Target:
        point = pointed(action)
        hits = [node for node in self.nodes if point is not None and node.rect.contains(point)]
        hits = hits or [node for node in self.nodes if point is None and node.focused]
        node = hits[0] if hits else None
        leads = node.form.action if node and node.form and isinstance(action, Click) else ""
        return Target("fake", node, point, origin=AIR, url=AIR + "/", destination=leads)


class OwnBroker:
    """The broker's inside without its process: the same rules, keys and counters."""

    def __init__(self, run: str, policies: Sequence[str], narrow: Narrow = NARROW) -> None:
        rules = PolicySet.load(policies, narrow)
        self.keeper = Keeper(run, rules, DenyApprover())
        self.run, self.policy_digest, self.public_key = run, rules.digest, self.keeper.public_key

    def clear(self, case: Case) -> Clearance:
        return self.keeper.clear(case)

    def decide(self, case: Case) -> Clearance:
        return clearance_from(self.keeper.answer({"ask": "decide", "case": case_to(case)}))

    def void(self, nonce: str) -> bool:
        return self.keeper.void(nonce)

    def sign(self, run: str, n: int, root: str) -> bytes:
        return bytes.fromhex(self.keeper.answer({"ask": "sign", "run": run, "n": n, "root": root})["signature"])

    def interrupt(self) -> None: ...


class Noted:
    """A watch that remembers."""

    def __init__(self, on_stage: Callable[[Step, str], None] = lambda step, name: None) -> None:
        self.steps: list[Step] = []
        self.stages: list[str] = []
        self._on_stage = on_stage

    def stage(self, step: Step, name: str) -> None:
        self.stages.append(name)
        self._on_stage(step, name)

    def step(self, step: Step) -> None:
        self.steps.append(step)

    def end(self, ending: Ending) -> None: ...

    def told(self) -> list[str]:
        """Verdict and receipt of each step."""
        lines = []
        for one in self.steps:
            said = one.clearance.decision.verdict if one.clearance else "-"
            lines.append(f"{said} {one.receipt.status}" if one.receipt else said)
        return lines


@dataclass
class Played:
    ending: Ending
    surface: Fake
    watch: Noted
    folder: RunFolder
    model: Any
    events: list[tuple[str, str]]
    """Name and text of every event in the trail."""

    @property
    def verdict(self) -> Verdict:
        return verify(self.folder.path)

    @property
    def record(self) -> RunRecord:
        return self.folder.read_run()


Holds = Callable[[Observation], list[Checked]]


def never(seen: Observation) -> list[Checked]:
    return [Checked(False, "the text `Booked` is not shown")]


def booked(seen: Observation) -> list[Checked]:
    shown = any(node.name == "Booked" for node in seen.nodes)
    return [Checked(shown, "the text `Booked` is shown" if shown else "the text `Booked` is not shown")]


def play(
    tmp_path: Path,
    script: Any,
    nodes: Sequence[Node],
    *,
    rules: Sequence[str] = ("booking",),
    steps: Sequence[PlanStep] = (),
    holds: Holds = booked,
    outputs: Mapping[str, Any] | None = None,
    watch: Noted | None = None,
    limits: Limits | None = None,
    process: bool = False,
    change: Callable[[Parts], None] = lambda parts: None,
    **surface: Any,
) -> Played:
    """One run on a fake surface, with its trail on the disk. `script` is a `Script`, or a model of its own."""
    folder = RunFolder.create(tmp_path / "runs", "loop")
    watch = watch or Noted()
    model: Any = script if hasattr(script, "propose") else ScriptedModel(script)
    broker: Any = Broker(folder.id, list(rules), NARROW) if process else OwnBroker(folder.id, rules)
    if process:
        broker.__enter__()
    try:
        verifier = Verifier(broker.public_key, folder.id, broker.policy_digest)
        world = Fake(verifier, list(nodes), **surface)
        bounds = limits or Limits(steps=20)

        def sign(run: str, n: int, root: bytes) -> bytes:
            signature: bytes = broker.sign(run, n, root.hex())
            return signature

        with (
            Trail.start(folder, About("loop"), sign, broker.public_key, lambda text: text) as trail,
            trail.run_span("x"),
        ):
            parts = Parts(
                actuator=world,
                model=model,
                gate=Gate(broker),
                trail=trail,
                plan=Plan("Book a flight", steps),
                judge=lambda seen: (holds(seen), dict(outputs or {})),
                limits=bounds,
                keep_frame=lambda seen: folder.put_frame(seen.frame.png),
                check_s=0.2,
                blocked_s=0.2,
                stop=bounds.stop,
                watch=watch,
            )
            change(parts)
            ending = to_the_end(parts)
            parts.trail.end(ending.outcome, ending.exit_code, detail=ending.because, steps=len(watch.steps))
    finally:
        if process:
            broker.close()
    return Played(ending, world, watch, folder, model, list(events(folder)))


def events(folder: RunFolder) -> list[tuple[str, str]]:
    """Name and text of every event of a trail."""
    found = []
    for line in folder.journal.read_bytes().splitlines():
        try:
            record = json.loads(line)["rec"]
        except ValueError:  # torn by a crash
            continue
        for resource in record.get("resourceLogs", []):
            one = resource["scopeLogs"][0]["logRecords"][0]
            found.append((one["eventName"], one["body"]["stringValue"]))
    return found


def typed(text: str) -> TypeText:
    return TypeText(text=text)


EMPTY = Point(150, 90)
"""A place with nothing on it."""
