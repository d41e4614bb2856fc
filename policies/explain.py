"""Why a request was decided as it was, and what would have changed it."""

from __future__ import annotations

from collections.abc import Mapping

from policies.decide import PolicySet
from policies.decision import Decision
from policies.request import Request

__all__ = ["explain"]


def explain(policies: PolicySet, decision: Decision, request: Request) -> list[str]:
    """Lines for a person: the verdict, each rule with its reason, each error, and what would change the verdict."""
    lines = [f"{decision.verdict}: {decision.reason or 'no reason given'}"]
    for name in decision.rules:
        rule = policies.rules.get(name)
        said = f"{rule.effect} in {rule.source}: {rule.because or 'no reason'}" if rule else "not in this policy"
        lines.append(f"rule {name} ({said})")
    lines += [f"error: {error}" for error in decision.errors]
    if decision.verdict != "allow":
        lines += _changes(policies, decision, request)
    return lines


def _changes(policies: PolicySet, decision: Decision, request: Request) -> list[str]:
    tried = ((words, policies.decide(changed).verdict) for words, changed in _suppositions(policies, request))
    lines = [f"{words}: {verdict}" for words, verdict in tried if verdict != decision.verdict]
    return lines or ["no single change that is tried here (approval, amount, place, counters) makes a difference"]


def _suppositions(policies: PolicySet, request: Request) -> list[tuple[str, Request]]:
    """(what if, the request then), each a single change."""
    facts = request.context
    tried: list[tuple[str, Request]] = []
    if "approved_by" not in facts:
        tried.append(("if a person approved it", request.but(approved_by="a person")))
    if facts.get("consequence") == "buy":
        tried.append(_at_the_limit(policies, request))
    if not facts.get("inside") or not facts.get("destination_inside"):
        inside = request.but(inside=True, destination_inside=True, destination_ok=True)
        tried.append(("if it stayed within the task's places", inside))
    if facts.get("mismatch"):
        tried.append(("if the target were what the model named", request.but(mismatch=False)))
    if facts.get("buys"):
        tried.append(("if nothing had been bought yet", request.but(buys=0)))
    if facts.get("paid_extra"):
        tried.append(("if it added nothing paid", request.but(paid_extra=False)))
    if not facts.get("recipients_inside", True):
        tried.append(("if the run might reach whom it is for", request.but(recipients_inside=True)))
    if not facts.get("files_inside", True):
        tried.append(("if its files lay where the run may take them", request.but(files_inside=True)))
    if facts.get("anomalies"):
        tried.append(
            ("if nothing odd had been noticed", request.but(anomalies=[], tier=policies.narrow.tier or "bounded"))
        )
    if facts.get("confidence") is not None:
        tried.append(("if the model were sure", request.but(confidence=1000)))
    return [*tried, *_of_a_request(request)]


def _of_a_request(request: Request) -> list[tuple[str, Request]]:
    """What else could be otherwise about a request on the wire."""
    sent = request.context.get("sent")
    if not isinstance(sent, Mapping):
        return []
    tried = []
    if not sent["covered"]:
        tried.append(("if the act before it reached as far", request.but(sent={**sent, "covered": True})))
    if sent["leaks"]:
        tried.append(("if it carried no secret", request.but(sent={**sent, "leaks": []})))
    if not sent["named"]:
        tried.append(("if the task named it in `sends`", request.but(sent={**sent, "named": True})))
    if not sent["readable"]:
        tried.append(("if it could be read", request.but(consequence="submit", sent={**sent, "readable": True})))
    return tried


def _at_the_limit(policies: PolicySet, request: Request) -> tuple[str, Request]:
    narrow = policies.narrow
    limit = narrow.ask_above or narrow.deny_above
    minor = limit.minor if limit else 0
    stated = request.but(amount_known=True, amount_minor=minor, currency=narrow.currency, amount_stated=True)
    return f"if it stated a price of {limit or f'0 {narrow.currency}'}", stated
