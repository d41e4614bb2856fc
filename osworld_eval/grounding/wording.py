"""From what a suite asks to what a model is told: a sentence stays, a bare name becomes something to click.

Suites mix the two ("Open the settings", "bell icon", "close button"), and a model that acts needs to be told to act.
The rule is short on purpose, so that a figure can be understood: see `asked`.
"""

from __future__ import annotations

import re

__all__ = ["AUTO", "TEMPLATE", "asked"]

AUTO = "auto"
"""The template that stands for the rule."""
TEMPLATE = re.compile(r"\{instruction\}")


def _words(text: str) -> list[str]:
    return text.split()


_VERBS = frozenset(
    _words(
        """
        accept activate add adjust allow answer apply approve archive attach book browse buy call cancel change
        check choose clear click close collapse compose compress confirm connect continue copy create cut decline
        decrease delete deselect disable disconnect dismiss display download drag duplicate edit empty enable
        enlarge enter exit expand export fast favorite fill filter find finish flag follow forward get give go group
        hide highlight hit hover import increase insert install invite join jump keep launch leave like link list
        listen load lock log look make mark maximize merge minimize modify move mute navigate open order pause pay
        paste pick pin play point post press preview print proceed publish pull put quit rate read receive record
        redo refresh register reload remove rename repeat replace reply report reset resize resend restart restore
        return rotate run save scan scroll search see select send set share show shuffle shut sign skip snooze sort
        star start stay stop submit subscribe swap switch take tap test toggle translate try turn type uncheck undo
        unfollow uninstall unlock unmute unpin unstar unsubscribe update upgrade upload use view visit watch
        withdraw write zoom
        """
    )
)
"""What a sentence that asks for an act begins with."""

_THINGS = frozenset(
    _words(
        """
        area arrow avatar badge bar box button card cell checkbox chip column dialog dropdown field heading icon
        image input item label link list logo menu option page panel picture pin radio result row section slider
        star switch tab text thumbnail tile toggle toolbar video
        """
    )
)
"""What the last word of a bare name often is: "close button" names a thing although it begins with a verb."""

_SMALL = frozenset(_words("a an the this that these those all my your in on at of for to from with by up off out and"))


def asked(instruction: str, template: str = AUTO) -> str:
    """The sentence for the model.

    With `auto`, what begins with a verb is a sentence and stays, unless it is only a verb before a thing ("search
    box") with no small word in it; anything else gets `Click ` before it, and `the ` where it ends in a thing and has
    no article. Every other template has `{instruction}` replaced.
    """
    if template != AUTO:
        return TEMPLATE.sub(lambda _: instruction, template)
    words = re.findall(r"[\w'’-]+", instruction.lower())
    if not words:
        return instruction
    small = bool(_SMALL.intersection(words))
    thing = words[-1] in _THINGS
    bare = thing and not small and len(words) <= 3
    if words[0] in _VERBS and not bare:
        return instruction
    article = "the " if thing and words[0] not in _SMALL else ""
    return f"Click {article}{instruction}"
