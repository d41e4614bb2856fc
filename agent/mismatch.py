"""Does what lies under the point contradict what was said? Words against words, nothing is moved or corrected.

A false "yes" costs one more look; a false "no" is caught by the policy, which judges the target and not the words.
So only plain contradictions count: a target none of whose words were asked for, or one whose name was not asked for
while something else on the screen is called exactly that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from actuators.action import Action, Click, Drag, TypeText
from actuators.observation import Node, Target
from model.protocols.elements import named

__all__ = ["contradiction"]

_WORD = re.compile(r"\w+")
_QUOTED = re.compile(r"[\"“”'‘’]([^\"“”'‘’]{2,60})[\"“”'‘’]")


def _words(text: str) -> set[str]:
    flat = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return set(_WORD.findall(flat))


def contradiction(action: Action, target: Target, step: str, reason: str, nodes: Sequence[Node] = ()) -> str:
    """Why the target cannot be what was meant, in one line for the model; empty when it may well be.

    Args:
        action: what was proposed.
        target: what it would touch.
        step: the plan's current step; empty when there is no plan.
        reason: what the model said it would do; only words it put in quotes name a target.
        nodes: everything on the screen: something else there may be called exactly as asked.
    """
    node = target.node
    asked = step or " ".join(_QUOTED.findall(reason))
    if not asked:
        return ""
    if isinstance(action, Drag):
        return _wrong_end(target, asked)
    if node is None or not node.name or not isinstance(action, Click | TypeText):
        return ""
    meant = named(nodes, asked)
    if _related(_words(node.name), _words(asked)) and (not meant or any(one.id == node.id for one in meant)):
        return ""
    return f'that was {node.role} "{node.name[:60]}", which is not what the instruction names'


def _wrong_end(target: Target, asked: str) -> str:
    """Of a drag both ends are named, or one of them is not what was meant."""
    for end, node in (("began", target.node), ("let go", target.drop)):
        if node is not None and node.name and not _related(_words(node.name), _words(asked)):
            return f'the drag {end} on {node.role} "{node.name[:60]}", which is not what the instruction names'
    return ""


def _related(words: set[str], asked: set[str]) -> bool:
    if not words or words & asked:
        return True
    return any(len(a) > 3 and len(b) > 3 and (a.startswith(b) or b.startswith(a)) for a in words for b in asked)
