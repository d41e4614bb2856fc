"""`agent devices` and `agent bench step --surface android` as a person runs them."""

from __future__ import annotations

import json

import pytest

import agent.bench
import agent.devices
from tests.android.phone.running import Served

pytestmark = pytest.mark.android


def test_devices_are_listed_with_what_each_can_do(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert agent.devices.devices(as_json=True) == 0
    [one] = [one for one in json.loads(capsys.readouterr().out)["devices"] if one["state"] == "device"]
    assert one == {
        "serial": served.address,
        "state": "device",
        "model": "Virtual Phone",
        "android": "13",
        "emulator": False,
        "size": "540x1080",
        "density": 240,
        "awake": True,
        "locked": False,
        "unicode": True,
        "chords": True,
    }
    assert agent.devices.devices(as_json=False) == 0
    assert "types any text; holds keys together" in capsys.readouterr().out


def test_no_device_says_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "nine")
    assert agent.devices.devices(as_json=False) == 1
    assert (
        capsys.readouterr().err == "agent devices: ANDROID_ADB_SERVER_PORT is `nine`, expected a port from 1 to 65535\n"
    )


@pytest.mark.slow
def test_the_bench_tells_every_phase_and_what_processes_cost(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANDROID_SERIAL", served.address)
    assert agent.bench.step("android", 2, True) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["phases"]) == set(agent.bench.PHASES) and told["total"]["p50_ms"] > 0
    assert {"raw screen, one connection", "PNG screen, a process", "tap, a process"} <= set(told["beside"])
