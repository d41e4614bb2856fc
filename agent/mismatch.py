"""Does what lies under the point contradict what was said? Words against words, nothing is moved or corrected.

A false "yes" costs one more look; a false "no" is caught by the policy, which judges the target and not the words.
So only plain contradictions count: a target none of whose words were asked for, or one whose name was not asked for
while something else on the screen is called exactly that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from actuators.action import Action, Click, TypeText
from actuators.observation import Node, Target

__all__ = ["contradiction"]

_WORD = re.compile(r"\w+")
_QUOTED = re.compile(r"[\"“”'‘’]([^\"“”'‘’]{2,60})[\"“”'‘’]")


def _flat(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_flat(text)))


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
    if node is None or not node.name or not isinstance(action, Click | TypeText):
        return ""
    asked = step or " ".join(_QUOTED.findall(reason))
    if not asked:
        return ""
    if _related(_words(node.name), _words(asked)) and (_named(node, asked) or not any(_named(n, asked) for n in nodes)):
        return ""
    return f'that was {node.role} "{node.name[:60]}", which is not what the instruction names'


def _named(node: Node, asked: str) -> bool:
    """Whether an operable node's whole name stands in what was asked."""
    name = " ".join(_WORD.findall(_flat(node.name)))
    return (
        node.role not in _READABLE and len(name) > 2 and f" {name} " in f" {' '.join(_WORD.findall(_flat(asked)))} "
    )


_READABLE = frozenset({"text", "heading", "image", "cell", "status", "alert"})


def _related(named: set[str], asked: set[str]) -> bool:
    if not named or named & asked:
        return True
    return any(len(a) > 3 and len(b) > 3 and (a.startswith(b) or b.startswith(a)) for a in named for b in asked)
