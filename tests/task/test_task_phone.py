"""A task on a phone: what its block may say, and what of it narrows the policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.task import TaskError, load_task
from agent.wire_up import narrow_of
from policies.place import known_apps

HEAD = "version: 1\nname: demo\ngoal: x\n"
PHONE = "surface: {android: {apps: [com.android.contacts, org.example.shop], start: org.example.shop}}\n"


def wrong(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "x.yaml"
    path.write_text(HEAD + text)
    with pytest.raises(TaskError) as caught:
        load_task(path)
    return [line.removeprefix(f"{path}:") for line in caught.value.lines]


def test_the_apps_of_a_task_are_its_places(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(HEAD + PHONE)
    task = load_task(path).bind()
    assert task.surface == "android" and task.browser is None and task.android is not None
    narrow = narrow_of(task)
    assert narrow.origins is None and narrow.holds_app("org.example.shop") and narrow.holds_app("shop")
    assert not narrow.holds_app("com.other") and not narrow.holds_app("")


def test_a_place_is_told_from_another(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(HEAD + PHONE)
    first = load_task(path).bind().where
    path.write_text(HEAD + PHONE.replace("start: org", "serial: emulator-5554, start: org"))
    assert load_task(path).bind().where != first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("surface: {android: {apps: [com.android.contacts], start: org.other}}\n", "4: `org.other` is not among the task's `apps`"),
        (PHONE + "site: {name: flights}\n", "5: a demo site needs `surface: {browser: ...}`"),
        (PHONE + "success:\n  - {kind: url, pattern: x}\n", "6: a phone has no addresses: use a check of kind text or node without `origin`"),
        (PHONE + "secrets:\n  a: {env: A, apps: [com.other]}\n", "6: `com.other` is not among the task's `apps`"),
    ],
)  # fmt: skip
def test_what_only_a_browser_has_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in wrong(tmp_path, text)


@pytest.mark.parametrize("app", ["shop", "com.a;reboot", "com.a b", "$(x).y", "com..x", "-n.x"])
def test_a_package_is_a_package(tmp_path: Path, app: str) -> None:
    assert wrong(tmp_path, f"surface: {{android: {{apps: ['{app}']}}}}\n")


def test_a_task_has_one_surface(tmp_path: Path) -> None:
    both = "surface: {browser: {start: 'https://a.org/'}, android: {apps: [com.a]}}\n"
    assert any("exactly one surface" in line for line in wrong(tmp_path, both))


def test_short_names_stand_only_for_one_app() -> None:
    assert known_apps(["com.a.mail", "org.b.mail", "org.b.shop"]) == (
        "com.a.mail",
        "org.b.mail",
        "org.b.shop",
        "shop",
        "Shop",
    )
