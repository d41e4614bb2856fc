"""Strings of every kind, typed into a stage's field and read back past the actuator."""

from __future__ import annotations

import random
import unicodedata
from typing import Any

from contract.actuator import do, named, press

from actuators.action import PressKeys, TypeText

KINDS = {
    "accents": "àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿāăąćĉċčďđēĕėęěğłńňőřśşšťůűźżžßẞŒœ",
    "cyrillic": "абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖЗґєіїўџћђ",
    "cjk": "日本語漢字仮名交じり文東京大阪中文测试简体繁體한국어조선말ㄅㄆㄇカタカナひらがな",
    "emoji": "🙂🎉🚀🍵🇨🇭👩‍👩‍👧🏳️‍🌈👍🏽🧑‍💻❤️",
    "rtl": "שלוםעולםمرحبابالعالمپچژگ۰۱۲٣٤٥",
    "shell": "; $() \\ & | < > ' \" ` ${x} $(rm -rf ~) && || * ? ! # % ^ {} [] ~ \\n \\0 -- <b>",
    "greek and more": "αβγδεζηθικλμνξοπρστυφχψωάέήίόύώ€£¥₿№™©®…–—„“‚‘«»¡¿ªº±×÷½¼∞≠≤≥√∑∂∫",
    "combining": "e\u0301a\u0308o\u0302u\u0304n\u0303 ก็ที่ नमस्ते",
}


def strings(count: int = 300) -> list[str]:
    """Always the same ones."""
    chance = random.Random(7)
    found = []
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        alphabet = KINDS[kind]
        if kind in ("emoji", "combining"):  # their characters belong together
            start = chance.randrange(len(alphabet) // 2)
            text = alphabet[start : start + chance.randint(3, 14)]
        else:
            text = "".join(chance.choice(alphabet) for _ in range(chance.randint(3, 14)))
        if number % 3 == 0:
            text = f"{text} {''.join(chance.choice('Abc xyz 0123-_=+@/:,.') for _ in range(6))}"
        found.append("".join(c for c in text if unicodedata.category(c) != "Cc").strip() or "x")
    return found


def type_and_read(stage: Any, texts: list[str]) -> list[tuple[object, ...]]:
    """The pairs that are not alike: what was typed and what stands there."""
    press(stage, "Name")
    wrong = []
    for text in texts:
        do(stage, PressKeys(keys=("ctrl", "a")))
        receipt = do(stage, TypeText(text=text))
        there = stage.inner("Name")
        if there != text or receipt.performed != TypeText(text=text):
            wrong.append((text, there, receipt.status, receipt.detail, receipt.performed))
    assert named(stage.actuator.observe(), "Name").value == texts[-1] or wrong
    return wrong
