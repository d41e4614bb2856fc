"""From what was typed and read in one run to templates: `Zurich` becomes `{{origin}}`, 14 December `{{date|...}}`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from agent.template import TemplateProblem, Value, render

__all__ = ["Slots"]

_EXPRESSION = re.compile(r"\{\{[^{}\n]+\}\}")
_TEXT_FILTERS = ("first_word", "rest", "upper", "lower")
_DATE_FILTERS = ("%-d %B %Y", "%d %B %Y", "%B %Y", "%-d %b %Y", "%B %-d, %Y", "%b %-d, %Y", "%d.%m.%Y", "%-d.%-m.%Y",
                 "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y")  # fmt: skip
SHORTEST = 4
"""Inside a longer text only values of at least so many characters are taken for an input."""


class Slots:
    """Knows how each input may be written, the task's own spellings first."""

    def __init__(self, values: Mapping[str, Value], task_text: str = "", secrets: Sequence[str] = ()) -> None:
        self._values = values
        self._secrets = secrets
        self._names: dict[str, list[str]] = {}
        """What a text may stand for, the likeliest first."""
        for expression in _EXPRESSION.findall(task_text):
            self._add(expression)
        for name, value in values.items():
            if isinstance(value, bool):
                continue
            self._add(f"{{{{{name}}}}}")
            filters = _DATE_FILTERS if isinstance(value, date) else _TEXT_FILTERS if isinstance(value, str) else ()
            for one in filters:
                self._add(f"{{{{{name}|{one}}}}}")
        longest = sorted((text for text in self._names if len(text) >= SHORTEST), key=len, reverse=True)
        either = "|".join(map(re.escape, longest))
        self._inside = re.compile(rf"(?<!\w)(?:{either})(?!\w)") if longest else None
        self.unclear: dict[str, tuple[str, ...]] = {}
        """Texts that two inputs have in common, with both."""

    def _add(self, expression: str) -> None:
        try:
            text = render(expression, self._values)
        except TemplateProblem:  # a secret, or empty for this value
            return
        known = self._names.setdefault(text, [])
        if expression not in known:
            known.append(expression)

    def template(self, text: str, hint: str = "") -> str:
        """`text` with inputs in place of their values; `hint` is the step's own template, which decides between two.

        Raises:
            ValueError: the text itself holds `{{`, which a template cannot say.
        """
        if "{{" in text or "}}" in text:
            raise ValueError("it holds `{{`, which stands for an input in a flow")
        if text in self._names:
            return self._chosen(text, hint)
        if self._inside is None:
            return text
        return self._inside.sub(lambda match: self._chosen(match.group(), hint), text)

    def _chosen(self, text: str, hint: str) -> str:
        known = self._names[text]
        for expression in known:
            if expression in hint:
                return expression
        inputs = {expression.strip("{}").split("|")[0].strip(): expression for expression in reversed(known)}
        if len(inputs) > 1:
            self.unclear[text] = tuple(inputs)
        return known[0]
