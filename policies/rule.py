"""One Cedar rule as people and the broker know it: by its `@id`, never by its position."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, cast

__all__ = ["PolicyUnusable", "Rule", "rules_in"]


class PolicyUnusable(Exception):
    """A policy that must not be loaded. The message says which rule, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its annotations. `body` is Cedar's own JSON form, which knows no white space and no comments."""

    id: str
    effect: Literal["permit", "forbid"]
    because: str
    escalate: Literal["", "human", "rehearse"]
    source: str
    """Name of the preset or file it stands in."""
    body: str

    @property
    def hard(self) -> bool:
        """A forbid that nobody can lift."""
        return self.effect == "forbid" and not self.escalate


def rules_in(text: str, source: str) -> list[Rule]:
    """The rules of one Cedar text, in the order in which they stand.

    Raises:
        PolicyUnusable: it does not parse, holds templates, or a rule has no id or an escalation that is unknown.
    """
    import cedarpy

    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        raise PolicyUnusable(f"`{source}` is not readable Cedar: {error}") from None
    if parsed.get("templates") or parsed.get("templateLinks"):
        raise PolicyUnusable(f"`{source}` holds a template; write it out as plain rules")
    bodies = parsed["staticPolicies"]
    return [_rule(bodies[name], source) for name in sorted(bodies, key=_position)]


def _position(name: str) -> int:
    """Cedar numbers rules as they stand: `policy0`, `policy1`."""
    return int(name.removeprefix("policy"))


def _rule(body: dict[str, object], source: str) -> Rule:
    notes = cast(dict[str, str], body.get("annotations") or {})
    name = notes.get("id") or ""
    if not name:
        raise PolicyUnusable(f"a {body['effect']} rule in `{source}` has no `@id`")
    escalate = notes.get("escalate", "")
    if escalate not in ("", "human", "rehearse") or ("escalate" in notes and not escalate):
        raise PolicyUnusable(f"rule `{name}` escalates to `{escalate}`; expected `human` or `rehearse`")
    if escalate and body["effect"] != "forbid":
        raise PolicyUnusable(f"rule `{name}` is a permit and cannot escalate; write it as a forbid")
    unknown = set(notes) - {"id", "because", "escalate"}
    if unknown:
        raise PolicyUnusable(f"rule `{name}` has an unknown annotation `@{min(unknown)}`")
    effect: Literal["permit", "forbid"] = "permit" if body["effect"] == "permit" else "forbid"
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return Rule(
        name, effect, notes.get("because") or "", cast(Literal["", "human", "rehearse"], escalate), source, text
    )
