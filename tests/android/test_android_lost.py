"""What happens when it breaks: a clear outcome, the trail intact, nothing left running."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from contract.actuator import Vault, middle
from contract.mint import Mint
from phone_runs import run_task

from actuators.action import Click, Swipe
from actuators.android import AndroidActuator
from actuators.errors import SurfaceLost, SurfaceUnavailable
from actuators.geometry import Point
from sandboxes.adb import Adb, AdbGone, find_device, line, listed_devices
from sandboxes.base import SandboxUnavailable
from tests.android.phone.adb_server import AdbServer
from tests.android.phone.running import Served
from tests.android.phone_stage import PACKAGES, PhoneStage

pytestmark = pytest.mark.android

SWIPE = Swipe(start=Point(270, 700), end=Point(270, 400), seconds=1.5)


def test_a_cable_pulled_in_the_middle_of_a_swipe_is_an_unknown_effect(stage: PhoneStage) -> None:
    seen = stage.actuator.observe()
    permit = stage.mint.permit(SWIPE, stage.actuator.target(SWIPE, seen))
    stage.served.cut_during("swipe", 0.3)
    receipt = stage.actuator.perform(permit)
    assert (receipt.status, receipt.performed) == ("unknown", SWIPE)
    assert ("down", 270.0, 700.0) in stage.phone.touches and ("up", 270.0, 400.0) not in stage.phone.touches
    with pytest.raises(SurfaceLost, match="gone"):
        stage.actuator.observe()
    stage.actuator.close()


def test_a_device_that_drops_and_comes_back_is_found_again(stage: PhoneStage) -> None:
    seen = stage.actuator.observe()
    stage.served.unplug(for_good=False)
    again = stage.actuator.observe()
    assert [node.id for node in again.nodes] == [node.id for node in seen.nodes]
    assert any("connected again" in notice for notice in again.notices + stage.actuator.observe().notices)
    assert stage.act(Click(at=middle(again, "Agree"))).status == "done"
    assert stage.pages.agreed


def test_another_device_at_the_same_address_is_not_taken_for_it(stage: PhoneStage) -> None:
    stage.actuator.observe()
    stage.served.unplug()
    stage.served.renew(serial="ANOTHER0002")
    with pytest.raises(SurfaceLost, match="another device"):
        stage.actuator.observe()


def test_a_phone_that_sleeps_is_woken(stage: PhoneStage) -> None:
    stage.served.do(lambda: stage.phone.key("SLEEP"))
    seen = stage.actuator.observe()
    assert stage.phone.awake and not stage.phone.locked
    assert any("woken" in notice for notice in seen.notices + stage.actuator.observe().notices)


def test_a_locked_phone_is_not_touched(staged: Callable[..., PhoneStage]) -> None:
    stage = staged(pin="2580")
    seen = stage.actuator.observe()
    action = Click(at=middle(seen, "Agree"))
    permit = stage.mint.permit(action, stage.actuator.target(action, seen))
    stage.served.do(lambda: stage.phone.key("SLEEP"))
    with pytest.raises(SurfaceLost, match="locked: unlock it by hand"):
        stage.actuator.perform(permit)
    assert not stage.pages.agreed and stage.phone.touches == []


def test_a_phone_that_is_locked_at_the_start_starts_nothing(serve: Callable[..., Served]) -> None:
    served = serve(pin="1234")
    served.do(lambda: served.phone.key("SLEEP"))
    actuator = AndroidActuator(served.address, Mint().verifier(), Vault(), apps=PACKAGES)
    with actuator, pytest.raises(SurfaceUnavailable, match="locked"):
        actuator.open("com.android.settings")


def test_a_screen_that_never_rests_is_bounded_and_has_no_nodes(stage: PhoneStage) -> None:
    stage.phone.restless = True
    settled = stage.actuator.settle(0.4)
    assert (settled.still, settled.watching) == (False, "frames")


def test_the_adb_server_killed_under_an_actuator(
    tmp_path: Path, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = AdbServer(tmp_path)
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(server.port))
    server.start()
    try:
        server.connect(served.address)
        mint = Mint()
        with AndroidActuator(served.address, mint.verifier(), Vault(), apps=PACKAGES) as actuator:
            actuator.open("org.deskhand.pages")
            seen = actuator.observe()
            permit = mint.permit(SWIPE, actuator.target(SWIPE, seen))
            server.kill()
            with pytest.raises(SurfaceLost, match="adb server"):
                actuator.perform(permit)
        with pytest.raises(AdbGone, match="start-server"):
            Adb(served.address)
        assert served.phone.touches == []
    finally:
        server.kill()


def test_devices_are_found_by_name_or_when_there_is_only_one(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.serial for one in listed_devices() if one.state == "device"] == [served.address]
    assert find_device() == find_device(served.address) == served.address
    monkeypatch.setenv("ANDROID_SERIAL", "nowhere")
    with pytest.raises(SandboxUnavailable, match="no device `nowhere`"):
        find_device()


def test_an_unauthorised_phone_says_what_to_do(adb_server: AdbServer) -> None:
    with Served(size=(200, 400)) as other:
        other.phone.asks_keys = True
        adb_server.adb("connect", other.address)
        until = time.monotonic() + 10
        while not any(one.serial == other.address and one.state == "unauthorized" for one in listed_devices()):
            assert time.monotonic() < until, listed_devices()
        with pytest.raises(SandboxUnavailable, match="allow this computer"):
            find_device(other.address)
        other.phone.allows_keys = True
        adb_server.adb("disconnect", other.address)
        adb_server.connect(other.address)
        assert Adb(other.address).run(line("echo", "trusted")).out == "trusted\n"
        assert len(other.phone.known_keys) == 1
        adb_server.adb("disconnect", other.address)


def test_a_real_device_is_not_touched_where_that_is_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actuators.base.ALLOW_REAL_DEVICES", False)
    with pytest.raises(SurfaceUnavailable, match="real device"):
        AndroidActuator("R58M12345", Mint().verifier())


# Whole runs

TASK = """
version: 1
name: swiping
goal: Swipe.
surface: {android: {apps: [com.android.settings], start: com.android.settings}}
policy: {preset: phone}
steps: [press Apps, press Weather]
success: [{kind: text, contains: App info}]
"""


def _children(command: str) -> list[str]:
    """Processes of this user whose command line holds a text."""
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdigit() and int(each.name) != os.getpid():
            try:
                told = (each / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
            if command in told:
                found.append(told)
    return found


def _gone(command: str) -> list[str]:
    until = time.monotonic() + 5
    while (left := _children(command)) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def test_a_run_whose_phone_is_unplugged_in_a_swipe_ends_in_an_unknown_effect(served: Served, tmp_path: Path) -> None:
    task = tmp_path / "swiping.yaml"
    task.write_text(TASK)
    served.cut_during("swipe", 0.1)
    ended = run_task(task, tmp_path / "runs", ANDROID_SERIAL=served.address)
    assert (ended.code, ended.outcome) == (40, "unknown_effect"), ended.out[-800:]
    told = ended.verdict
    assert told.ok and told.closed and told.unknown_effect
    assert _gone(str(tmp_path)) == []


@pytest.mark.slow
def test_a_run_that_is_stopped_twice_in_a_swipe_ends_in_an_unknown_effect(served: Served, tmp_path: Path) -> None:
    task = tmp_path / "swiping.yaml"
    task.write_text(TASK)

    def swiping() -> bool:
        return any(kind == "down" for kind, *_ in served.phone.touches)

    slow = type(served.phone).swipe
    served.phone.swipe = lambda start, end, seconds: slow(served.phone, start, end, 4.0)
    ended = run_task(task, tmp_path / "runs", stop_at=swiping, ANDROID_SERIAL=served.address)
    assert ended.outcome == "unknown_effect", ended.out[-800:]
    assert ended.verdict.ok and _gone(str(tmp_path)) == []


@pytest.mark.slow
def test_a_run_whose_adb_server_is_killed_ends_in_an_error(tmp_path: Path, served: Served) -> None:
    server = AdbServer(tmp_path / "adb")
    (tmp_path / "adb").mkdir()
    server.start()
    try:
        server.connect(served.address)
        task = tmp_path / "swiping.yaml"
        task.write_text(TASK)

        async def before(words: list[str]) -> None:
            if words[:2] == ["input", "tap"]:
                served.phone.before = None
                server.kill()

        served.phone.before = before
        env = {"ANDROID_SERIAL": served.address, "ANDROID_ADB_SERVER_PORT": str(server.port)}
        ended = run_task(task, tmp_path / "runs", **env)
        assert ended.outcome in ("unknown_effect", "error"), ended.out[-800:]
        assert re.search(r"adb server|went away|gone", ended.last["because"])
        assert ended.verdict.ok and _gone(str(tmp_path / "runs")) == []
        assert _children(f"-P {server.port}") == []
    finally:
        server.kill()


@pytest.mark.slow
def test_a_run_on_a_locked_phone_is_an_error_in_one_line(serve: Callable[..., Served], tmp_path: Path) -> None:
    served = serve(pin="2580")
    served.do(lambda: served.phone.key("SLEEP"))
    ended = run_task("switch_on_bluetooth", tmp_path, ANDROID_SERIAL=served.address)
    assert (ended.code, ended.outcome) == (1, "error") and "the phone is locked" in ended.last["because"]
    assert "Traceback" not in ended.out
