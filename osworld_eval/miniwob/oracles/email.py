"""A small inbox."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actuators.action import Action
from osworld_eval.miniwob.oracle import Stuck, clicked, plays, reached
from osworld_eval.miniwob.page import Look


@plays("email-inbox-delete", "email-inbox-important")
def _icon(look: Look) -> Iterator[Action]:
    found = re.search(r"the email by (.*?) and click the (trash|star) icon", look.utterance)
    if not found:
        raise Stuck("only the icons are known here")
    senders = [box.text for box in look.all("#main .email-thread .email-sender")]
    number = senders.index(found.group(1))
    icon = f"#main .email-thread[data-index='{number}'] .{found.group(2)}"
    yield from reached(look, icon)
    yield clicked(look.shown(icon)[0].centre)
