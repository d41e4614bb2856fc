"""The forms of `agent ask` by name. Knows no more than where each of them is; imports it when asked."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.asking.form import Form

__all__ = ["FREE", "NAMES", "form"]

FREE = "question"
"""The form of a question in free words."""

_PLACES = {
    FREE: "free:Free",
    "ocr": "spotting:Ocr",
    "extract": "fields:Extract",
    "ground": "spotting:Ground",
    "ground3d": "spotting:Ground3d",
    "document": "pages:Document",
    "code": "markup:Code",
    "diagram": "drawio:Diagram",
    "diff": "changes:Diff",
    "when": "moments:When",
}
NAMES = tuple(_PLACES)
"""Every form, the free question first."""


def form(name: str) -> Form:
    """The form of that name.

    Raises:
        KeyError: no form is called so.
    """
    module, _, kind = _PLACES[name].partition(":")
    found: Form = getattr(import_module(f"model.asking.{module}"), kind)()
    return found
