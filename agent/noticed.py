"""What becomes of an anomaly outside the rules: the trail, the alerts, the counts, the person who looks on.

The rules have decided by then; nothing here can change what is let happen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.alerts import Alerts
from agent.audit.spans import Trail
from policies.decision import Clearance
from policies.narrow import ANOMALIES, Narrow

__all__ = ["Noticing"]


class Noticing:
    """Hears every answer of the broker. The same thing is told once in a run; the facts of each decision repeat it.

    Args:
        clean: takes secrets out of a text.
    """

    def __init__(self, trail: Trail, narrow: Narrow, alerts: Alerts | None, clean: Callable[[str], str]) -> None:
        self._trail = trail
        self._treatments = {**ANOMALIES, **(narrow.anomalies or {})}
        self._alerts = alerts
        self._clean = clean
        self._told: set[tuple[str, str]] = set()

    def __call__(self, clearance: Clearance) -> tuple[str, ...]:
        """Tell what is new in an answer; one line for each thing that is odd. Raises `TrailBroken`."""
        lines = []
        for name, detail in clearance.facts.get("noticed", ()):
            said = self._clean(str(detail))
            lines.append(f"{name}: {said}")
            if (name, said) not in self._told:
                self._told.add((name, said))
                self._tell(name, said, clearance)
        return tuple(lines)

    def _tell(self, name: str, said: str, clearance: Clearance) -> None:
        context: dict[str, Any] = clearance.facts.get("context", {})
        treatment = self._treatments.get(name, "stop")  # type: ignore[call-overload]
        facts = {"anomaly": name, "treatment": treatment, "detail": said, "verdict": clearance.decision.verdict}
        facts["tier"] = str(context.get("tier", ""))
        self._trail.event("gui.anomaly", facts, f"{name.replace('_', ' ')}: {said}")
        if self._alerts is not None:
            step = int(context.get("step", 0))
            self._alerts.send({"run": self._trail.run, "task": self._trail.task, "step": step, **facts})
