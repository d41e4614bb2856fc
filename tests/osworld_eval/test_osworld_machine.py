"""Machines: a sandbox that is new after each reset, a guest by its address, and what docker is asked for."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from osworld_guest_stand_in import StandIn, served

from osworld_eval.osworld import machine as machines
from osworld_eval.osworld.machine import DockerMachine, GuestMachine, MachineFault, SandboxMachine
from sandboxes.guest import Guest, GuestSaid
from sandboxes.jail import what_is_missing


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxMachine]:
    if why := what_is_missing():
        pytest.skip(why)
    try:
        made = SandboxMachine(screen=(800, 600))
    except MachineFault as missing:
        pytest.skip(str(missing))
    yield made
    made.close()


def guest(machine: SandboxMachine | GuestMachine) -> Guest:
    return Guest(machine.address, machine.token or "", 60.0)


@pytest.mark.display
@pytest.mark.timeout(200)
def test_nothing_is_left_by_a_reset_and_the_address_stays(sandbox: SandboxMachine) -> None:
    sandbox.reset()
    before = (sandbox.address, sandbox.token, dict(sandbox.ports))
    there = guest(sandbox)
    assert there.execute("echo $HOME $USER; pwd", shell=True).output == "/home/user user\n/home/user\n"
    there.upload("/home/user/Desktop/left.txt", b"left")
    there.launch(["sleep", "98765"])
    assert there.execute(["pgrep", "-f", "^sleep 98765"]).code == 0
    assert sandbox.reset() > 0
    assert before == (sandbox.address, sandbox.token, dict(sandbox.ports))
    assert there.download("/home/user/Desktop/left.txt") is None
    assert there.execute(["pgrep", "-f", "^sleep 98765"]).code != 0
    assert there.screen_size() == (800, 600)
    folders = {"Desktop", "Documents", "Downloads", "Music", "Pictures", "Videos"}
    tree = there.list_directory("/home/user")
    assert tree is not None and folders <= {one["name"] for one in tree["children"]}
    with pytest.raises(GuestSaid, match="token"):
        Guest(sandbox.address, "wrong", 30.0).screenshot()


@pytest.mark.display
@pytest.mark.timeout(200)
def test_a_port_inside_is_reached_from_here_also_after_a_reset(sandbox: SandboxMachine) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for said in (b"one", b"two"):
        sandbox.reset()
        there = guest(sandbox)
        there.upload("/home/user/page.txt", said)
        there.launch(["python", "-m", "http.server", "--bind", "127.0.0.1", "9222"])
        tries = "import socket; socket.create_connection(('127.0.0.1', 9222))"
        there.execute(["sh", "-c", f'for n in $(seq 50); do python -c "{tries}" && exit; sleep 0.1; done'])
        with opener.open(f"http://127.0.0.1:{sandbox.ports['chromium']}/page.txt", timeout=30) as answer:
            assert answer.read() == said


@pytest.mark.display
@pytest.mark.timeout(200)
def test_two_sandboxes_know_nothing_of_each_other(sandbox: SandboxMachine) -> None:
    sandbox.reset()
    other = SandboxMachine(screen=(640, 480))
    try:
        guest(sandbox).upload("/home/user/a.txt", b"mine")
        assert guest(other).download("/home/user/a.txt") is None
        assert other.address != sandbox.address and guest(other).screen_size() == (640, 480)
    finally:
        other.close()
        other.close()
    with pytest.raises(MachineFault, match="was closed"):
        other.reset()


@pytest.mark.display
@pytest.mark.timeout(200)
def test_pyautogui_presses_keys_in_a_sandbox_as_upstreams_tasks_do(sandbox: SandboxMachine) -> None:
    sandbox.reset()
    ran = guest(sandbox).execute(["python", "-c", "import pyautogui; pyautogui.moveTo(12, 34); pyautogui.press('a')"])
    assert ran.code == 0, ran.error
    assert guest(sandbox).cursor() == (12, 34)


def test_a_program_that_is_not_there_is_one_line() -> None:
    if what_is_missing():
        pytest.skip("no jails here")
    with pytest.raises(MachineFault, match="no program `no-such-program`") as fault:
        SandboxMachine(("no-such-program",))
    assert "\n" not in str(fault.value)


def test_a_guest_serves_one_task_unless_it_can_be_put_back(tmp_path: Path) -> None:
    stand_in = StandIn()
    put_back = tmp_path / "put-back"
    with served(stand_in) as address:
        machine = GuestMachine(address, "secret")
        assert machine.screen == (1000, 600) and machine.ports == {"chromium": 9222, "vlc": 8080}
        machine.reset()
        with pytest.raises(MachineFault, match="no command that puts it back"):
            machine.reset()
        command = (sys.executable, "-c", f"open({str(put_back)!r}, 'a').write('x')")
        machine = GuestMachine(address, revert=command)
        machine.reset()
        assert not put_back.exists()
        machine.reset()
        assert put_back.read_text() == "x"
        machine = GuestMachine(address, revert=(sys.executable, "-c", "import sys; sys.exit('no snapshot')"))
        machine.reset()
        with pytest.raises(MachineFault, match="no snapshot"):
            machine.reset()


def test_a_guest_that_does_not_answer_is_no_machine() -> None:
    for address in ("http://127.0.0.1:9", "127.0.0.1:5000", "http://a/b"):
        with pytest.raises(MachineFault, match="no machine at"):
            GuestMachine(address)


DOCKER = """#!{python}
import json, os, subprocess, sys
with open(os.environ["ASKED"], "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "inspect":
    print(os.environ.get("RUNS", "true"))
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that writes down what it is asked for."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(DOCKER.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    return tmp_path / "asked"


def test_docker_is_asked_for_upstreams_machine(docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "KVM", tmp_path)
    disk = tmp_path / "Ubuntu.qcow2"
    disk.write_bytes(b"disk")
    with served(StandIn()) as address:
        port = int(address.rpartition(":")[2])
        monkeypatch.setattr(machines, "_free_ports", lambda count: [port, *range(9000, 9000 + count - 1)])
        machine = DockerMachine(disk)
        assert machine.address == address and machine.screen == (1000, 600)
        machine.reset()
        machine.reset()
        machine.close()
        machine.close()
    asked = [json.loads(line) for line in docker.read_text().splitlines()]
    assert [one[0] for one in asked] == ["run", "rm", "run", "rm"]
    run = asked[0]
    assert f"{disk}:/System.qcow2:ro" in run and "/dev/kvm" in run and run[-1] == "happysixd/osworld-docker"
    published = [run[place + 1] for place, word in enumerate(run) if word == "--publish"]
    assert f"127.0.0.1:{port}:5000" in published and all(one.startswith("127.0.0.1:") for one in published)
    assert {one.rpartition(":")[2] for one in published} == {"5000", "8006", "9222", "8080"}


def test_a_container_that_ends_is_told_at_once(docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "KVM", tmp_path)
    monkeypatch.setenv("RUNS", "false")
    disk = tmp_path / "Ubuntu.qcow2"
    disk.write_bytes(b"disk")
    with pytest.raises(MachineFault, match="its container has ended"):
        DockerMachine(disk)
    assert json.loads(docker.read_text().splitlines()[-1])[0] == "rm"


def test_without_docker_kvm_or_disk_it_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineFault, match="no `docker` here"):
        DockerMachine(tmp_path / "none")
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(machines, "KVM", tmp_path / "none")
    with pytest.raises(MachineFault, match="hardware virtualization"):
        DockerMachine(tmp_path / "none")
    monkeypatch.setattr(machines, "KVM", tmp_path)
    with pytest.raises(MachineFault, match="there is no disk"):
        DockerMachine(tmp_path / "none")
