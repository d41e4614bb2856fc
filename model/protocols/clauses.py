"""A wish of several acts, cut into wishes of one act each, in order.

For checkpoints that were taught one step at a time. Rules over English words; a wish that they cannot cut stays whole.
"""

from __future__ import annotations

import re

from model.protocols.asked import QUOTES

__all__ = ["clauses"]

_VERB = (
    r"click|press|hit|tap|push|submit|select|choose|pick|check|tick|uncheck|untick|type|enter|write|fill|open|close|drag|scroll|"
    r"go|switch|turn|expand|find|search|set|delete|send|log|sign|mark|add|remove|move|wait|clear|confirm|save"
)
_CUT = re.compile(
    r",? (?:and )?then (?=\w)|; (?:and )?(?:then )?|(?<=[\w)\x00])\. (?=[A-Z])"
    rf"|,? and (?=(?:{_VERB})\b \S|submit\b)|, (?=(?:{_VERB})\b \S)",  # "Save and close" is one name
    re.IGNORECASE,
)
_FINDING = re.compile(
    r"(?:^(?:(?:switch|go|look|move|flick) (?:between|through)|expand|unfold) [^.;]*\bto )?\bfind and "
    r"(?=click|press|tap|select|open|choose)",
    re.IGNORECASE,
)
"""Finding a thing is no act of its own, wherever it is to be looked for."""
_WHERE = re.compile(r"^(?:please )?(?:navigate|look|search|browse|go) through [^.;]+[.;] (?=find\b)", re.IGNORECASE)
"""Nor is a sentence that only says where to look."""
_EACH = re.compile(r"^(select|check|tick|choose|pick|uncheck|untick|click(?: on)?) (.+)$", re.IGNORECASE)
_WHEN_DONE = re.compile(r",? (?:when|once|after) (?:you are |you're |it is )?(?:done|finished|ready)$", re.IGNORECASE)
_EMPTY = re.compile(
    r"^(?:(?:select|check|tick|choose|click) nothing|(?:solve|work out|figure out) (?:the|this|for|it)\b.*)$",
    re.IGNORECASE,
)
"""What needs no hand: nothing at all, or thinking."""


def clauses(text: str) -> list[str]:
    """The single wishes in order; one where there is nothing to cut. What stands in quotes is never cut."""
    flat, kept = _hidden(_FINDING.sub("", _WHERE.sub("", " ".join(text.split()).rstrip("."))))
    parts = [_WHEN_DONE.sub("", part.strip(" ,.")) for part in _CUT.split(flat)]
    parts = [one for part in parts if part for one in _each(part)]
    found = [_shown(part, kept) for part in parts if not _EMPTY.match(part)]
    return found or [text]


def _each(part: str) -> list[str]:
    """One wish for each thing of a list: "Select a, b and c"."""
    listed = _EACH.match(part)
    if listed is None or "," not in listed.group(2):
        return [part]
    things = [thing.strip() for thing in re.split(r",(?: and)? | and ", listed.group(2)) if thing.strip()]
    if any(len(thing.split()) > 5 for thing in things):
        return [part]
    return [f"{listed.group(1)} {thing}" for thing in things]


def _hidden(text: str) -> tuple[str, list[str]]:
    """The text with every quotation replaced by a mark, and the quotations."""
    kept = [found.group() for found in QUOTES.finditer(text)]
    return QUOTES.sub("\x00", text), kept


def _shown(part: str, kept: list[str]) -> str:
    """Quotations put back, in order: `kept` loses those that were used."""
    while "\x00" in part:
        part = part.replace("\x00", kept.pop(0), 1)
    return part
