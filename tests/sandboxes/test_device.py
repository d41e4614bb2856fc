"""Snapshots through a console that speaks as the emulator's does. No emulator was at hand."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from sandboxes.base import SandboxUnavailable
from sandboxes.device import Device

TOKEN = "aVeryRandomToken"


@dataclass
class Console:
    """The emulator's console: a greeting, `auth`, `avd snapshot ...`; each answer ends with OK or KO."""

    port: int
    kept: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    def answer(self, line: str, trusted: bool) -> str:
        self.said.append(line)
        match line.split():
            case ["auth", token]:
                return "OK\r\n" if token == TOKEN else "KO: bad authentication token\r\n"
            case _ if not trusted:
                return "KO: unknown command\r\n"
            case ["avd", "snapshot", "save", name]:
                self.kept.add(name)
                return "OK\r\n"
            case ["avd", "snapshot", "load" | "del" as verb, name]:
                if name not in self.kept:
                    return "KO: no such snapshot\r\n"
                self.kept -= {name} if verb == "del" else set()
                return "OK\r\n"
        return "KO: unknown command\r\n"


@pytest.fixture
def console() -> Iterator[Console]:
    listening = socket.create_server(("127.0.0.1", 0))
    here = Console(listening.getsockname()[1])

    def serve() -> None:
        while True:
            try:
                wire, _ = listening.accept()
            except OSError:
                return
            with wire, wire.makefile("rw", newline="") as lines:
                lines.write(
                    "Android Console: Authentication required\r\nAndroid Console: type 'auth <auth_token>' to authenticate\r\nOK\r\n"
                )
                lines.flush()
                trusted = False
                for line in lines:
                    if line.strip() == "quit":
                        break
                    answer = here.answer(line.strip(), trusted)
                    trusted |= line.startswith("auth") and answer.startswith("OK")
                    lines.write(answer)
                    lines.flush()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield here
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(5)


def test_a_machine_is_kept_and_put_back(console: Console) -> None:
    with Device("emulator-5554", port=console.port, token=TOKEN) as device:
        assert len(console.kept) == 1
        name = next(iter(console.kept))
    assert [line for line in console.said if "snapshot" in line] == [
        f"avd snapshot {verb} {name}" for verb in ("save", "load", "del")
    ]
    device.close()
    assert console.kept == set()


def test_a_wrong_token_and_a_missing_snapshot_are_said(console: Console) -> None:
    with (
        pytest.raises(SandboxUnavailable, match="bad authentication token"),
        Device("emulator-5554", port=console.port, token="wrong"),
    ):
        pass
    with pytest.raises(SandboxUnavailable, match="no such snapshot"):
        Device("emulator-5554", port=console.port, token=TOKEN).restore("earlier")


@pytest.mark.parametrize("name", ["a b", "x; quit", "", "A", "x\nquit"])
def test_a_name_is_no_command(name: str) -> None:
    with pytest.raises(ValueError, match="snapshot's name"):
        Device("emulator-5554", token=TOKEN).checkpoint(name)


def test_only_an_emulator_can_be_put_back() -> None:
    with pytest.raises(SandboxUnavailable, match="no emulator"):
        Device("R58M12345")


def test_a_console_that_is_not_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(SandboxUnavailable, match="Connection refused"):
        Device("emulator-5554", port=port, token=TOKEN).checkpoint("a")
