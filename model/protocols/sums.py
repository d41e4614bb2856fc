"""Sums and equations in one unknown that the screen shows, worked out exactly.

Plain parsing of numbers and four signs; nothing on a screen is ever run as a program. What cannot be worked out is
left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["solved", "wants_answer"]

_ANSWER = re.compile(r"^(?:your|the|its) (?:answer|result|solution|sum)$", re.IGNORECASE)
_SIGNS = str.maketrans({"−": "-", "–": "-", "—": "-", "÷": "/", "×": "x", "X": "x", "·": "*", "?": " "})
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[-+*/x=()]")
_LONGEST = 80
_DECIMALS = 6


def wants_answer(value: str) -> bool:
    """Whether a text to be typed is not the words themselves but what comes out of a sum."""
    return _ANSWER.match(value.strip()) is not None


def solved(texts: Iterable[str]) -> str | None:
    """The answer to the first text that is a sum ("3 + 9 =") or a linear equation in x ("x - 5 = 3"); None without one.

    Texts with a = come before others. An x between two numbers multiplies; a decimal answer is exact or there is none.
    """
    for text in sorted(texts, key=lambda one: "=" not in one):
        found = _solved(text) if len(text) <= _LONGEST else None
        if found is not None:
            return _written(found)
    return None


@dataclass(frozen=True, slots=True)
class _Line:
    """`times` of the unknown and a constant."""

    times: Fraction
    plus: Fraction


class _Unfit(Exception):
    """No sum, or none that this works out."""


def _solved(text: str) -> Fraction | None:
    plain = text.translate(_SIGNS)
    tokens = _TOKEN.findall(plain)
    if _TOKEN.sub("", plain).strip() or not any(token[0].isdigit() for token in tokens):
        return None
    sides = _sides(tokens)
    try:
        if len(sides) == 1 or (len(sides) == 2 and not sides[1]):
            line = _Parser(sides[0]).line()
            return line.plus if not line.times and len(sides[0]) > 2 else None
        if len(sides) != 2:
            return None
        left, right = (_Parser(side).line() for side in sides)
        times = left.times - right.times
        return (right.plus - left.plus) / times if times else None
    except (_Unfit, ZeroDivisionError):
        return None


def _sides(tokens: list[str]) -> list[list[str]]:
    sides: list[list[str]] = [[]]
    for token in tokens:
        if token == "=":
            sides.append([])
        else:
            sides[-1].append(token)
    return sides


class _Parser:
    """One side of an equation, from left to right."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def line(self) -> _Line:
        """The whole side. Raises `_Unfit`."""
        found = self._sum()
        if self._at < len(self._tokens):
            raise _Unfit
        return found

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._next()
        self._at += 1
        return token

    def _sum(self) -> _Line:
        found = self._product()
        while self._next() in ("+", "-"):
            sign = 1 if self._take() == "+" else -1
            other = self._product()
            found = _Line(found.times + sign * other.times, found.plus + sign * other.plus)
        return found

    def _product(self) -> _Line:
        found = self._factor()
        while (sign := self._next()) in ("*", "/", "x"):
            after = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else ""
            if sign == "x" and not (after[:1].isdigit() or after in ("(", "x")):  # "2x": so many of the unknown
                self._take()
                found = _times(found, _Line(Fraction(1), Fraction(0)))
                continue
            self._take()
            other = self._factor()
            if sign == "/":
                if other.times:
                    raise _Unfit
                other = _Line(Fraction(0), 1 / other.plus)
            found = _times(found, other)
        return found

    def _factor(self) -> _Line:
        token = self._take()
        if token == "-":
            inner = self._factor()
            return _Line(-inner.times, -inner.plus)
        if token == "(":
            inner = self._sum()
            if self._take() != ")":
                raise _Unfit
            return inner
        if token == "x":
            return _Line(Fraction(1), Fraction(0))
        if not token[:1].isdigit():
            raise _Unfit
        return _Line(Fraction(0), Fraction(token))


def _times(one: _Line, other: _Line) -> _Line:
    if one.times and other.times:
        raise _Unfit
    return _Line(one.times * other.plus + other.times * one.plus, one.plus * other.plus)


def _written(number: Fraction) -> str | None:
    if number.denominator == 1:
        return str(number.numerator)
    scaled = number * 10**_DECIMALS
    if scaled.denominator != 1:
        return None
    digits = f"{abs(scaled.numerator):0{_DECIMALS + 1}d}"
    return ("-" if number < 0 else "") + f"{digits[:-_DECIMALS]}.{digits[-_DECIMALS:]}".rstrip("0")
