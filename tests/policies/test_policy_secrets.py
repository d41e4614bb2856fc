from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from policy_cases import AIR, field, form, node, seen, target
from pydantic import ValidationError

from actuators.base import SecretRefused, SecretSource
from actuators.geometry import Rect
from actuators.observation import Target
from policies.redact import hidden, redact
from policies.redactor import Redactor
from policies.secrets import SecretMissing, SecretSpec, SecretStore

CARD = "4111 1111 1111 1111"
EVIL = "https://evil.example"


def spec(**told: Any) -> SecretSpec:
    return SecretSpec.model_validate({"env": "CARD", "origins": [AIR], **told})


def store(**told: Any) -> SecretStore:
    return SecretStore.load({"card": spec(**told)}, {"CARD": CARD})


MASKED = node("textbox", "Password", editable=True, password=True)
NUMBER = field(name="Card number", autocomplete="cc-number")


@pytest.mark.parametrize(
    ("told", "where", "given_"),
    [
        ({}, target(field()), True),
        ({}, target(field(), origin=AIR + ":443"), True),
        ({}, target(field(), origin=EVIL), False),
        ({}, target(field(), origin="https://air.example.evil.example"), False),
        ({}, target(field(), origin="http://air.example"), False),
        ({}, target(field(), origin="https://аir.example"), False),
        ({}, target(field(), origin=""), False),
        ({}, target(field(), origin="null"), False),
        ({}, target(field(origin=EVIL)), False),
        ({}, target(field(), url=EVIL), False),
        ({}, target(field(form=form(f"{EVIL}/collect"))), False),
        ({}, target(field(form=form("javascript:steal()"))), False),
        ({}, target(field(form=form())), True),
        ({}, target(field(form=form(method="GET"))), False),
        ({}, target(None), False),
        ({}, target(node("button", "Card")), False),
        ({}, target(field(enabled=False)), False),
        ({}, target(node("searchbox", "Search", editable=True)), False),
        ({}, target(MASKED), True),
        ({"fields": ["cc-number"]}, target(NUMBER), True),
        ({"fields": ["cc-number"]}, target(field(autocomplete="billing cc-number")), True),
        ({"fields": ["cc-number"]}, target(field()), False),
        ({"fields": ["cc-number"]}, target(field(autocomplete="cc-csc")), False),
        ({"fields": ["cc-number"]}, target(MASKED), True),
        ({"fields": ["cc-number"]}, target(field(password=True, autocomplete="cc-csc")), False),
        ({"fields": ["password"]}, target(MASKED), True),
        ({"fields": ["password"]}, target(field(password=True, autocomplete="current-password")), True),
        ({"fields": ["password"]}, target(NUMBER), False),
        ({"fields": []}, target(field()), False),
        ({}, target(field(), origin="", app="bank", surface="android"), False),
        ({"origins": [], "apps": ["bank"]}, target(field(), origin="", app="bank", surface="android"), True),
        ({"origins": [], "apps": ["bank"]}, target(field(), origin="", app="mail", surface="android"), False),
        ({"origins": [], "apps": ["bank"]}, target(field(), origin="", app="", surface="desktop"), False),
        ({"origins": [], "apps": ["bank"]}, target(field(), app="bank"), False),
    ],
)
def test_a_secret_goes_only_where_it_may(told: dict[str, Any], where: Target, given_: bool) -> None:
    source: SecretSource = store(**told)
    if given_:
        assert source.reveal("card", where) == CARD
        return
    with pytest.raises(SecretRefused) as refused:
        source.reveal("card", where)
    assert CARD not in str(refused.value)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(SecretRefused, match="no secret `pin`"):
        store().reveal("pin", target(field()))


@pytest.mark.parametrize(
    "told",
    [
        {"env": None},
        {"file": "/x"},
        {"keyring": "airline/ada"},
        {"env": None, "keyring": "airline"},
        {"env": None, "keyring": "/ada"},
        {"origins": []},
        {"origins": ["air.example"]},
        {"colour": "red"},
    ],
)
def test_a_wrong_specification_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spec(**told)


def test_everything_missing_is_told_at_once(tmp_path: Path) -> None:
    specs = {
        "card": spec(),
        "pin": spec(env=None, file=str(tmp_path / "pin")),
        "empty": spec(env="EMPTY"),
        "folder": spec(env=None, file=str(tmp_path)),
    }
    with pytest.raises(SecretMissing) as missing:
        SecretStore.load(specs, {"EMPTY": " "})
    assert str(missing.value) == (
        "secrets are missing: `card`: the environment variable CARD is not set or empty; `pin`: FileNotFoundError; "
        "`empty`: the environment variable EMPTY is not set or empty; `folder`: IsADirectoryError"
    )


@pytest.mark.parametrize(("mode", "fine"), [(0o600, True), (0o400, True), (0o644, False), (0o640, False)])
def test_a_secret_file_must_be_its_owners_alone(tmp_path: Path, mode: int, fine: bool) -> None:
    path = tmp_path / "pin"
    path.write_text("s3cret\n")
    path.chmod(mode)
    told = {"pin": spec(env=None, file=str(path))}
    if fine:
        assert SecretStore.load(told, {}).reveal("pin", target(field())) == "s3cret"
        return
    with pytest.raises(SecretMissing, match="chmod 600"):
        SecretStore.load(told, {})


def test_no_value_is_ever_shown() -> None:
    one = store()
    assert CARD not in repr(one) + repr(one.redactor()) + str(vars(one.redactor()).get("_names"))
    assert repr(one) == "SecretStore(card)"


@pytest.mark.parametrize(
    "text",
    [
        CARD,
        "4111111111111111",
        "4111-1111-1111-1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        quote(CARD),
        CARD.replace(" ", "+"),
        base64.b64encode(CARD.encode()).decode(),
        base64.b64encode(f"a{CARD}".encode()).decode(),
        base64.b64encode(f"ab{CARD}z".encode()).decode(),
        base64.urlsafe_b64encode(CARD.encode()).decode().rstrip("="),
    ],
)
def test_a_secret_is_taken_out_however_it_is_written(text: str) -> None:
    clean = store().redactor()(f"before {text} after")
    assert "[secret:card]" in clean and "1111" not in clean and text[4:-4] not in clean


def test_a_short_secret_is_taken_out_only_where_it_stands_alone() -> None:
    redactor = Redactor({"csc": "123"})
    assert redactor("code 123, order 41234, 123") == "code [secret:csc], order 41234, [secret:csc]"


@pytest.mark.parametrize("value", ['p"w\\é<&>x', "a b&c=d/é", "(.*)+[x]^$"])
def test_odd_secrets_are_taken_out_of_json_urls_and_html(value: str) -> None:
    import html
    import json
    from urllib.parse import quote_plus

    redactor = Redactor({"odd": value})
    for written in (value, json.dumps(value), quote(value, safe=""), quote_plus(value).lower(), html.escape(value)):
        assert "[secret:odd]" in redactor(f"x {written} y")


def test_without_secrets_a_text_stays() -> None:
    assert Redactor({})("anything") == "anything"


@settings(deadline=None)
@given(st.text(min_size=1, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_no_value_survives(value: str, before: str, after: str) -> None:
    if len(value.strip()) < 6:
        return
    assert value not in Redactor({"x": value})(before + " " + value + " " + after).replace("[secret:x]", "")


def picture(width: int = 100, height: int = 80) -> bytes:
    stored = io.BytesIO()
    Image.new("RGB", (width, height), (200, 100, 50)).save(stored, "PNG")
    return stored.getvalue()


BOX = Rect(10, 20, 30, 40)


@pytest.mark.parametrize(
    ("on", "covered"),
    [
        (node("textbox", rect=BOX, password=True), True),
        (node("textbox", rect=BOX, autocomplete="cc-number"), True),
        (node("textbox", rect=BOX, autocomplete="billing cc-csc"), True),
        (node("textbox", rect=BOX, autocomplete="one-time-code"), True),
        (node("textbox", rect=BOX, value=CARD), True),
        (node("text", f"Card {CARD}", rect=BOX), True),
        (node("textbox", rect=BOX, value="Ada"), False),
        (node("textbox", rect=BOX, autocomplete="given-name"), False),
    ],
)
def test_what_may_show_a_secret_is_covered(on: Any, covered: bool) -> None:
    assert bool(hidden([on], store().redactor())) is covered


def test_boxes_are_black_to_their_edges_and_nothing_else_changes() -> None:
    png = picture()
    stored = redact(seen(node("textbox", rect=BOX, password=True), png=png), [Rect(90, 70, 500, 500), Rect(5, 5, 5, 9)])
    with Image.open(io.BytesIO(stored)) as image:
        dark = {(x, y) for x in range(100) for y in range(80) if image.getpixel((x, y)) == (0, 0, 0)}
    wanted = {(x, y) for x in range(10, 30) for y in range(20, 40)} | {
        (x, y) for x in range(90, 100) for y in range(70, 80)
    }
    assert dark == wanted


def test_a_frame_with_nothing_to_hide_is_kept_byte_for_byte() -> None:
    png = picture()
    assert redact(seen(node("button", "OK"), png=png), [Rect(200, 200, 300, 300)]) is png


# ---------------------------------------------------------------- one-time codes


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
    ],
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    """RFC 6238, appendix B, SHA-1."""
    from policies.one_time import code_at

    assert code_at(b"12345678901234567890", at, 8) == code


def test_a_seed_gives_a_code_and_never_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    from policy_cases import AIR, field, form, target

    from policies.secrets import SecretMissing, SecretSpec, SecretStore

    seed = "gezd gnbv gy3t qojq gezd gnbv gy3t qojq"
    spec = SecretSpec(env="SEED", totp=True, origins=(AIR,), fields=("one-time-code",))
    store = SecretStore.load({"code": spec}, {"SEED": seed})
    monkeypatch.setattr(time, "time", lambda: 59.0)
    assert store.reveal("code", target(field(autocomplete="one-time-code", form=form()), url=f"{AIR}/")) == "287082"
    with pytest.raises(SecretMissing, match="base32") as told:
        SecretStore.load({"code": spec}, {"SEED": "not base32 at all 1!"})
    assert "not base32" not in str(told.value)


# ---------------------------------------------------------------- the keyring


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Any]:
    """A real keyring of the library's own kind, in memory, in the place of the system's."""
    keyring = pytest.importorskip("keyring")

    class InMemory(keyring.backend.KeyringBackend):  # type: ignore[misc, name-defined]
        priority = 1

        def __init__(self) -> None:
            self.kept: dict[tuple[str, str], str] = {}

        def get_password(self, service: str, username: str) -> str | None:
            return self.kept.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            self.kept[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del self.kept[service, username]

    before = keyring.get_keyring()
    keyring.set_keyring(InMemory())
    yield keyring
    keyring.set_keyring(before)


def test_a_secret_comes_from_the_keyring(keys: Any) -> None:
    keys.set_password("airline", "ada/work", CARD)
    spec = SecretSpec(keyring="airline/ada/work", origins=(AIR,))
    store = SecretStore.load({"card": spec})
    assert store.reveal("card", target(field())) == CARD and CARD not in repr(store) + repr(spec)


def test_what_the_keyring_lacks_is_told_by_its_place(keys: Any) -> None:
    with pytest.raises(SecretMissing, match="`airline/eve` in the keyring is not set or empty"):
        SecretStore.load({"card": SecretSpec(keyring="airline/eve", origins=(AIR,))})


def test_a_keyring_that_cannot_be_read_is_one_line(keys: Any) -> None:
    class Locked(type(keys.get_keyring())):  # type: ignore[misc]
        def get_password(self, service: str, username: str) -> str | None:
            raise keys.errors.KeyringLocked("no")

    keys.set_keyring(Locked())
    with pytest.raises(SecretMissing, match="cannot be read: KeyringLocked"):
        SecretStore.load({"card": SecretSpec(keyring="airline/ada", origins=(AIR,))})
