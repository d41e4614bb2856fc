"""Does what lies under the point contradict what was said? Words against words, nothing is moved or corrected.

A false "yes" costs one more look; a false "no" is caught by the policy, which judges the target and not the words.
So only plain contradictions count: a named target none of whose words were asked for.
"""

from __future__ import annotations

import re
import unicodedata

from actuators.action import Action, Click, TypeText
from actuators.observation import Target

__all__ = ["contradiction"]

_WORD = re.compile(r"\w+")
_QUOTED = re.compile(r"[\"“”'‘’]([^\"“”'‘’]{2,60})[\"“”'‘’]")


def _words(text: str) -> set[str]:
    flat = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return set(_WORD.findall(flat))


def contradiction(action: Action, target: Target, step: str, reason: str) -> str:
    """Why the target cannot be what was meant, in one line for the model; empty when it may well be.

    Args:
        action: what was proposed.
        target: what it would touch.
        step: the plan's current step; empty when there is no plan.
        reason: what the model said it would do; only words it put in quotes name a target.
    """
    node = target.node
    if node is None or not node.name or not isinstance(action, Click | TypeText):
        return ""
    asked = step or " ".join(_QUOTED.findall(reason))
    if not asked or _related(_words(node.name), _words(asked)):
        return ""
    return f'that was {node.role} "{node.name[:60]}", which is not what the instruction names'


def _related(named: set[str], asked: set[str]) -> bool:
    if not named or named & asked:
        return True
    return any(len(a) > 3 and len(b) > 3 and (a.startswith(b) or b.startswith(a)) for a in named for b in asked)
