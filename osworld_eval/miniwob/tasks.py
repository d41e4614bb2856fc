"""Which tasks there are, which of them count, and where the pages of the `miniwob` package lie.

The package is only a folder of pages here: it is found and never imported, so nothing of what it imports is needed.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

__all__ = [
    "GRADED",
    "GRADED_FROM",
    "HELD_OUT",
    "HELD_OUT_KIN",
    "LEAVES_TRACES",
    "PIX2ACT_59",
    "PagesMissing",
    "all_tasks",
    "chosen",
    "installed",
    "pages",
]

PIX2ACT_59 = (
    "bisect-angle", "choose-date-nodelay", "circle-center", "click-button", "click-button-sequence",
    "click-checkboxes", "click-checkboxes-large", "click-checkboxes-soft", "click-checkboxes-transfer",
    "click-collapsible-2-nodelay", "click-collapsible-nodelay", "click-color", "click-dialog", "click-dialog-2",
    "click-link", "click-option", "click-pie-nodelay", "click-shades", "click-shape", "click-tab", "click-tab-2",
    "click-tab-2-easy", "click-tab-2-hard", "click-tab-2-medium", "click-test", "click-test-2",
    "click-test-transfer", "click-widget", "count-shape", "count-sides", "drag-box", "drag-circle", "drag-items",
    "drag-items-grid", "drag-shapes", "drag-sort-numbers", "email-inbox-delete", "email-inbox-important",
    "enter-date", "enter-text-2", "enter-time", "find-midpoint", "grid-coordinate", "identify-shape",
    "navigate-tree", "number-checkboxes", "resize-textarea", "right-angle", "simple-algebra", "simple-arithmetic",
    "text-transform", "tic-tac-toe", "unicode-test", "use-autocomplete-nodelay", "use-colorwheel",
    "use-colorwheel-2", "use-slider", "use-slider-2", "visual-addition",
)  # fmt: skip
"""The tasks of Pix2Act's evaluation; `drag-item` there is `drag-circle` today."""

HELD_OUT = (
    "click-button-sequence",
    "click-checkboxes-transfer",
    "click-collapsible-2-nodelay",
    "click-dialog-2",
    "drag-items-grid",
    "email-inbox-important",
    "enter-date",
    "find-midpoint",
    "identify-shape",
)
"""Whole tasks of the 59 that no training sees, one from each family; never recorded."""

HELD_OUT_KIN = ("click-collapsible-2", "email-inbox", "email-inbox-noscroll", "email-inbox-star-reply")
"""Tasks beside the 59 that show the same page and ask the same thing as one that is held out; never recorded either."""

GRADED = (
    "bisect-angle",
    "circle-center",
    "find-midpoint",
    "right-angle",
    "use-colorwheel",
    "use-colorwheel-2",
)
"""Their raw reward is a distance: there may be no pixel at all that brings exactly 1."""

LEAVES_TRACES = (
    "book-flight", "book-flight-nodelay", "chase-circle", "click-collapsible", "click-collapsible-2",
    "click-collapsible-2-nodelay", "click-collapsible-nodelay", "click-scroll-list", "click-pie",
    "click-pie-nodelay", "click-tab", "click-tab-2", "click-tab-2-easy", "click-tab-2-hard", "click-tab-2-medium",
    "form-sequence", "multi-layouts", "stock-market", "use-slider", "use-slider-2",
)  # fmt: skip
"""Without loading the page anew an episode of these shows something of the one before."""

GRADED_FROM = 0.8
"""A graded task is solved above this raw reward, as in SeeClick's evaluation."""


class PagesMissing(Exception):
    """The `miniwob` package is not installed. One line, with the command that mends it."""


def pages() -> Path:
    """The folder `html` of the installed package: `miniwob/TASK.html` and what the pages load lie below it.

    Raises:
        PagesMissing: no such package.
    """
    found = find_spec("miniwob")
    for place in (found.submodule_search_locations or ()) if found else ():
        if (folder := Path(place) / "html").is_dir():
            return folder
    raise PagesMissing("the pages of MiniWoB++ are not installed: `pip install --no-deps miniwob`")


def installed() -> bool:
    """Whether the pages are there."""
    try:
        return pages().is_dir()
    except PagesMissing:
        return False


def all_tasks() -> tuple[str, ...]:
    """Every task the installed package has a page for, sorted. Raises `PagesMissing`."""
    return tuple(sorted(page.stem for page in (pages() / "miniwob").glob("*.html")))


def chosen(words: str) -> tuple[str, ...]:
    """The tasks that `59`, `all`, `held-out` or a comma-separated list names, in order, each once.

    Raises:
        PagesMissing: no such package.
        ValueError: an unknown task; one line with the nearest known names.
    """
    known = all_tasks()
    sets = {"59": PIX2ACT_59, "all": known, "held-out": HELD_OUT}
    out: dict[str, None] = {}
    for word in filter(None, (part.strip() for part in words.split(","))):
        if word in sets:
            out |= dict.fromkeys(sets[word])
        elif word in known:
            out[word] = None
        else:
            raise ValueError(_unknown(word, known))
    if not out:
        raise ValueError("no task was named, expected `59`, `all`, `held-out` or names such as `click-test,drag-box`")
    return tuple(out)


def _unknown(word: str, known: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(f'`{one}`' for one in near)}?" if near else "`all` runs every task"
    return f"no task is called `{word[:60]}`: {hint}"
