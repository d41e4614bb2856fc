"""Which text of an observation may prove something: what the page itself says, and not what was typed into it.

Left out: the values of fields that can be edited (whoever types "Booking confirmed" into a search box has not
booked), and nodes of another origin than the page's (an advert in a frame). It does not protect against a page
that repeats what was typed into it, or that lies.
"""

from __future__ import annotations

import unicodedata

from actuators.observation import Node, Observation

__all__ = ["MAX_TEXT", "is_shown", "normal", "own_nodes", "readable", "said_by"]

MAX_TEXT = 200_000
"""Characters of one observation that are looked at; a longer page is cut off."""


def normal(text: str) -> str:
    """NFKC, invisible format characters dropped, every run of white space one blank."""
    folded = unicodedata.normalize("NFKC", text)
    return " ".join("".join(c for c in folded if unicodedata.category(c) != "Cf").split())


def own_nodes(seen: Observation, origin: str = "") -> tuple[Node, ...]:
    """The nodes of `origin`; of the page's own origin where none is given. Nodes without an origin always count."""
    wanted = origin or seen.origin
    return tuple(node for node in seen.nodes if not node.origin or node.origin == wanted)


def said_by(node: Node) -> str:
    """A node's words, raw: its name, and its value where nobody can edit that."""
    value = "" if node.editable or node.password or node.value == node.name else node.value
    return f"{node.name} {value}".strip()


def readable(seen: Observation, origin: str = "") -> tuple[str, ...]:
    """The words of each node that has any, raw, in reading order."""
    said = (said_by(node) for node in own_nodes(seen, origin))
    return tuple(text for text in said if text)


def is_shown(text: str, seen: Observation, origin: str = "") -> bool:
    """Whether the page says `text`, case and white space aside."""
    page = normal("\n".join(readable(seen, origin))[:MAX_TEXT])
    return normal(text).casefold() in page.casefold()
