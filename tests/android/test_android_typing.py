"""Text on a phone: read back exactly, and never a word of it to a shell."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from contract.actuator import middle
from hypothesis import given, settings
from hypothesis import strategies as st

from actuators.action import Click, PressKeys, TypeText
from actuators.phone_keyboard import kept_text
from sandboxes.adb import line
from tests.android.phone_stage import PhoneStage

pytestmark = pytest.mark.android

HOSTILE = (
    "; touch /sdcard/pwned", "$(touch /sdcard/pwned)", "`touch /sdcard/pwned`", "& touch /sdcard/pwned &", "| touch /sdcard/pwned",
    "< /sdcard/Download/notes.txt", "> /sdcard/pwned", ">> /sdcard/pwned", "' ; touch /sdcard/pwned ; '", '" ; touch /sdcard/pwned ; "',
    "'\"'\"'; touch /sdcard/pwned", "\\'; touch /sdcard/pwned; \\'", "&& touch /sdcard/pwned", "|| touch /sdcard/pwned", "$HOME", "${HOME}",
    "%s", "100%sure", "*", "~", "a  b", "-d 0", "--es msg x", "#", "\\", "\\\\", "!", "(touch /sdcard/pwned)", "{a,b}", "é; touch /sdcard/pwned",
    "日本 $(touch /sdcard/pwned)", "👩‍👩‍👧 `touch /sdcard/pwned`", "مرحبا; touch /sdcard/pwned", "'", '"', "`", "$", "&", "|", "<", ">", ";",
)  # fmt: skip
ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ", "äöüßéèêçñøåœæÿ ŠŽžčćđ", "абвгдежзийклмнопрстуфхцчшщъыьэюяЁ ",
    "αβγδεζηθικλμνξοπρστυφχψω ", "日本語漢字仮名東京 かなカナ", "한국어서울 ", "中文简体繁體 ", "שלום עולם ", "مرحبا بالعالم ", "हिन्दी नमस्ते ",
    "ไทยสวัสดี ", "🙂🎉🇨🇭👩‍👩‍👧👍🏽 ", ";$()`&|<>'\"\\!*?#~{}[]%^= ",
)  # fmt: skip


def texts(count: int, seed: int = 11) -> list[str]:
    """Strings of one alphabet, of two mixed, and the hostile ones."""
    dice = random.Random(seed)
    found = list(HOSTILE)
    while len(found) < count:
        pool = dice.choice(ALPHABETS) + (dice.choice(ALPHABETS) if dice.random() < 0.5 else "")
        text = "".join(dice.choice(pool) for _ in range(dice.randint(1, 24))).strip()
        if text:
            found.append(text)
    return found[:count]


def typed(stage: PhoneStage, text: str) -> str:
    """What the field holds after `text` was typed into it, read past the actuator."""
    stage.pages.screens[-1].field("name").text = ""
    stage.pages.screens[-1].field("name").move(0)
    stage.served.do(stage.phone.changed)
    seen = stage.actuator.observe()
    action = TypeText(text=text)
    receipt = stage.actuator.perform(stage.mint.permit(action, stage.actuator.target(action, seen)))
    assert (receipt.status, receipt.performed, receipt.detail) == ("done", action, "")
    return stage.inner("Name")


def focus(stage: PhoneStage) -> None:
    seen = stage.actuator.observe()
    stage.act(Click(at=middle(seen, "Name")))


PROGRAMS = {
    "input",
    "am",
    "ime",
    "settings",
    "screencap",
    "md5sum",
    "uiautomator",
    "cat",
    "rm",
    "dumpsys",
    "grep",
    "echo",
    "getprop",
    "wm",
    "cmd",
}


def test_hostile_text_is_typed_and_executes_nothing(stage: PhoneStage) -> None:
    focus(stage)
    files = dict(stage.phone.files)
    stage.phone.ran.clear()
    for text in HOSTILE[:12]:
        assert typed(stage, text) == text
    assert {words[0] for words in stage.phone.ran} <= PROGRAMS
    assert stage.phone.files == files


def test_the_fault_would_show(stage: PhoneStage) -> None:
    """What the shell does with the same text where nobody quotes it: the guard above can fail."""
    raw = line("true").replace("true", "echo ; touch /sdcard/pwned")
    stage.actuator._adb.run(raw)  # type: ignore[arg-type]
    assert "/sdcard/pwned" in stage.phone.files


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_300_strings_are_typed_and_read_back_exactly(stage: PhoneStage) -> None:
    focus(stage)
    files = dict(stage.phone.files)
    stage.phone.ran.clear()
    wrong = {text: held for text in texts(300) if (held := typed(stage, text)) != text}
    assert wrong == {}
    assert {words[0] for words in stage.phone.ran} <= PROGRAMS and stage.phone.files == files


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_is_one_word_of_the_shell(text: str) -> None:
    import asyncio

    from tests.android.phone.shell import Result, Shell

    asked: list[list[str]] = []

    async def run(words: list[str], came: bytes) -> Result:
        asked.append(words)
        return Result()

    class NoFiles:
        def read(self, path: str) -> None:
            raise AssertionError(path)

        def write(self, path: str, data: bytes, append: bool = False) -> bool:
            raise AssertionError(path)

        def names(self) -> list[str]:
            return ["/sdcard/a", "/sdcard/b"]

    asyncio.run(Shell(NoFiles(), run, {"HOME": "/"}).execute(line("input", "text", text)))
    assert asked == [["input", "text", text]]


def test_a_zero_byte_is_refused() -> None:
    with pytest.raises(ValueError, match="zero byte"):
        line("input", "text", "a\0b")


def test_the_keyboard_that_was_there_is_put_back(stage: PhoneStage) -> None:
    focus(stage)
    before = stage.phone.settings["secure"]["default_input_method"]
    assert typed(stage, "日本") == "日本"
    assert stage.phone.settings["secure"]["default_input_method"] != before
    stage.actuator.close()
    assert stage.phone.settings["secure"]["default_input_method"] == before


def test_without_a_unicode_keyboard_more_than_ascii_fails_before_anything_is_touched(
    staged: Callable[..., PhoneStage],
) -> None:
    stage = staged(unicode_keyboard=False)
    focus(stage)
    receipt = stage.act(TypeText(text="Zoë"))
    assert (receipt.status, receipt.performed) == ("failed", None) and "ADBKeyboard" in receipt.detail
    assert stage.inner("Name") == ""
    assert stage.act(TypeText(text="Zoe")).status == "done"
    assert stage.inner("Name") == "Zoe"


def test_an_older_phone_that_tells_no_hints_is_read_all_the_same(staged: Callable[..., PhoneStage]) -> None:
    stage = staged(tells_hints=False)
    focus(stage)
    assert typed(stage, "Ada & 'Bob'") == "Ada & 'Bob'"
    node = next(node for node in stage.actuator.observe().nodes if node.focused)
    assert (node.name, node.value) == ("Name", "Ada & 'Bob'")


def test_a_field_that_keeps_less_is_told(stage: PhoneStage) -> None:
    focus(stage)
    whole = type(stage.pages.screens[-1].field("name")).insert
    stage.pages.screens[-1].field("name").insert = lambda text: whole(stage.pages.screens[-1].field("name"), text[:3])
    receipt = stage.act(TypeText(text="abcdef"))
    assert receipt.status == "done" and "does not show" in receipt.detail


def test_keys_that_a_phone_has_not_and_chords(stage: PhoneStage) -> None:
    focus(stage)
    assert typed(stage, "one two") == "one two"
    for keys in (("home",), ("delete",), ("end",), ("backspace",)):
        assert stage.act(PressKeys(keys=keys)).status == "done"
    assert stage.inner("Name") == "ne tw"
    assert stage.act(PressKeys(keys=("hyper",))).status == "failed"


@pytest.mark.parametrize(
    ("text", "lines", "kept"),
    [
        ("a\r\nb", True, "a\nb"),
        ("a\nb\n", False, "a b"),
        ("a\tb", False, "a b"),
        ("a\x07b", False, "ab"),
        ("e\u0301", False, "e\u0301"),
    ],
)
def test_what_of_a_text_is_typed(text: str, lines: bool, kept: str) -> None:
    assert kept_text(text, lines)[0] == kept
