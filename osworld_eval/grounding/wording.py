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
        accept acknowledge activate add adjust agree allow answer apply approve archive assign attach avoid ban
        block book browse build buy call cancel center centre change check choose clear click clone close collapse
        color colour commit compile compose compress configure confirm connect continue copy create crop customise
        customize cut debug decline decrease delete deploy describe deselect detect disable disconnect dismiss
        display dispute donate download downvote drag draw drop duplicate edit empty enable encrypt enlarge enter
        erase exit expand export fast favorite favourite fetch fill filter find finish fit flag flip follow fork
        format forward freeze get give go group hang hibernate hide highlight hit hover identify import increase
        indent insert inspect install invite invoice join jump keep kill launch learn leave like link list listen
        load lock log look lower make manage mark maximise maximize merge minimise minimize modify move mute
        navigate open optimise optimize order organise organize paint paste pause pay personalise personalize pick
        pin play point pop post press preview print proceed publish pull push put quit raise rate react read receive
        record redo refactor refresh register reject reload remove rename reopen repeat replace reply report request
        require reschedule resend reset resize respond restart restore resume return reveal revert review rewind
        rotate run save scan schedule scroll search see select send set share show shuffle shut sign skip sleep snap
        snooze solve sort speak spell split stack star start stay stop store stretch submit subscribe subtract
        suggest swap switch sync tag take tap tell test thank think tick toggle track transcribe transfer translate
        trust try tune turn type unarchive unblock uncheck undo unfollow unfreeze unhide uninstall unlock unmute
        unpin unsend unstar unsubscribe untick update upgrade upload upvote use verify view visit vote wait want
        warn watch whisper wipe withdraw wrap write zoom
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

    With `auto`, what begins with a verb is a sentence and stays, unless it is a bare name: at most three words, the
    last a thing ("search box"), no small word among them. A bare name gets `Click the ` before it, anything else that
    begins with no verb gets `Click `. Every other template has `{instruction}` replaced.
    """
    if template != AUTO:
        return TEMPLATE.sub(lambda _: instruction, template)
    words = re.findall(r"[\w'’-]+", instruction.lower())
    if not words:
        return instruction
    bare = len(words) <= 3 and words[-1] in _THINGS and not _SMALL.intersection(words)
    if bare:
        return f"Click the {instruction}"
    return instruction if words[0] in _VERBS else f"Click {instruction}"
