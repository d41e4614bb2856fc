"""How long a decision and a permit take on this machine. Numbers only; who prints them is somebody else's business."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from actuators.action import Click
from actuators.geometry import Point, Rect
from actuators.observation import Form, Node, Target
from actuators.permit import Verifier
from policies.broker import Broker
from policies.consequence import judge
from policies.decide import PolicySet, preset_text
from policies.narrow import Narrow, all_anomalies
from policies.request import Case, Counters, request_of
from policies.wire_gate import WireGate
from sandboxes.wire import Held

__all__ = ["decision_ms", "permit_ms", "wire_ms"]

_FORM = Form("POST", "https://air.example/payment", "Card number Pay 89.00 EUR")
_NODE = Node(
    "1",
    "button",
    "Pay 89.00 EUR",
    Rect(0, 0, 99, 20),
    origin="https://air.example",
    form=_FORM,
    tag="button",
    submits=True,
)
_TARGET = Target(
    "browser", _NODE, Point(5, 5), "https://air.example", "https://air.example/pay", destination=_FORM.action
)
_CLICK = Click(at=Point(5, 5))


def _narrow() -> Narrow:
    """Nothing odd stops it: the measurement itself is a burst of the same act."""
    told = {"origins": ["https://air.example"], "ask_above": "500 EUR", "max_buys": 1000}
    return Narrow.model_validate({**told, "anomalies": all_anomalies("note")})


def decision_ms(rules: int = 100, n: int = 500) -> dict[str, float]:
    """From case to verdict in one process, under `rules` rules: p50 and p95 in milliseconds."""
    house, booking = preset_text("house"), preset_text("booking")
    given = PolicySet([{"house": house, "booking": booking}])
    filler = "\n".join(
        f'@id("filler/{i}") forbid (principal, action, resource) when {{ context.step == {10**6 + i} }};'
        for i in range(rules - len(given.rules))
    )
    policies = PolicySet([{"house": house, "booking": booking, "filler": filler}], _narrow())

    def once(step: int) -> None:
        case = Case(step, _CLICK, _TARGET)
        consequence = judge(case.action, case.target, case.scene)
        decision = policies.decide(request_of(case, consequence, Counters(), policies.narrow))
        assert decision.verdict == "allow", decision

    return _timed(once, n)


def permit_ms(n: int = 500) -> dict[str, float]:
    """Clear through a real broker process and verify the permit: p50 and p95 in milliseconds."""
    with Broker("measure", ["booking"], _narrow()) as broker:
        verifier = Verifier(broker.public_key, "measure", broker.policy_digest)

        def once(step: int) -> None:
            node = Node(**{name: getattr(_NODE, name) for name in Node.__dataclass_fields__} | {"id": str(step)})
            target = Target(
                "browser", node, _TARGET.point, _TARGET.origin, _TARGET.url, destination=_TARGET.destination
            )
            permit = broker.clear(Case(step, _CLICK, target)).permit
            assert permit is not None
            verifier.accept(permit)

        return _timed(once, n)


def wire_ms(n: int = 500) -> dict[str, float]:
    """What the gate at the wire adds to a request, to the broker's process and back: p50 and p95 in milliseconds."""
    body = b"text=" + b"a" * 400
    with Broker("measure", ["booking"], _narrow()) as broker:
        gate = WireGate(broker, lambda held: (), lambda outgoing: None)

        def once(step: int) -> None:
            where, method = f"https://air.example/{step}", "POST" if step % 4 == 3 else "GET"
            held = Held(where, method, "xhr", "https://air.example", body if method == "POST" else b"")
            assert gate(held)

        return _timed(once, n)


def _timed(once: Callable[[int], None], n: int) -> dict[str, float]:
    taken = []
    for step in range(n):
        began = time.perf_counter()
        once(step)
        taken.append((time.perf_counter() - began) * 1000)
    ordered = sorted(taken)
    return {"p50": statistics.median(ordered), "p95": ordered[int(n * 0.95)], "least": ordered[0]}
