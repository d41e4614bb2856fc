"""Brings a machine into the state that a task begins in, and after the episode into the one that it is scored in.

Steps are upstream's, in upstream's order, with upstream's words replaced in commands. What upstream only logs is told
as a note here; what it raises is a `SetupFailed`. Where it waits blindly at the end, the screen is watched instead.

What this does not protect against: a task file says what is run on the machine, and there alone it is run.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from osworld_eval.osworld.assets import AssetError, Assets, cache_name
from osworld_eval.osworld.history import HISTORY, history_file
from osworld_eval.osworld.machine import Machine
from osworld_eval.osworld.suite import OsworldTask, Step
from osworld_eval.osworld.vocabulary import STEPS as WORDS
from sandboxes.guest import Guest, GuestGone, GuestSaid, Ran

__all__ = ["Fault", "SetupFailed", "prepare", "steps"]

Fault = Literal["infrastructure", "task"]
MOST_SLEEP_S = 120.0
UNTIL_S = 120.0
"""How long a command is repeated whose `until` does not hold; upstream repeats it for ever."""
_AGAIN_S = 0.3
_MOST_FAILED = 5
_ANSWERS_S = 100.0
"""Upstream asks 20 times, 5 seconds apart."""
_CHROME_S = 75.0
_LOADS_S = 60.0
_SHOWS_S, _STILL_S, _LONGEST_S = 4.0, 0.5, 90.0
_SILENT_S = 2.5
"""A tree that took longer and has nothing in it lacks a program that is there and does not answer yet."""
_LOOKS_S = 0.1
_SHIFTED = ("SCREEN_WIDTH_HALF", "SCREEN_HEIGHT_HALF", "SCREEN_WIDTH", "SCREEN_HEIGHT", "CLIENT_PASSWORD")
_SHOWING = frozenset({"launch", "open", "execute_with_verification", "chrome_open_tabs"})
"""Steps after which something comes to the screen."""


class SetupFailed(Exception):
    """A machine could not be prepared. One line.

    Args:
        words: which step, and why.
        fault: `infrastructure` where another try may go well, `task` where it will fail again.
    """

    def __init__(self, words: str, fault: Fault) -> None:
        super().__init__(words)
        self.fault: Fault = fault


def prepare(task: OsworldTask, machine: Machine, assets: Assets, cache: Path) -> tuple[str, ...]:
    """Do a task's `config` on a machine that was just reset; returns notes on what upstream would only log.

    Args:
        task: as its file says.
        machine: where.
        assets: files that are downloaded.
        cache: the task's own folder out here; made if missing.

    Raises:
        SetupFailed: a step failed; nothing of the episode may begin.
    """
    guest = _guest(machine)
    _answers(guest)
    before = _picture(guest)
    notes = steps(machine, task.config, cache, assets, task.path.parents[2])
    if any(step.type in _SHOWING for step in task.config):
        _shown(guest, before, machine.kind == "sandbox")
    return notes


def steps(
    machine: Machine, steps: Sequence[Step], cache: Path, assets: Assets, folder: Path | None = None
) -> tuple[str, ...]:
    """Do setup steps in their order, as for a task's `postconfig`; see `prepare`.

    Args:
        machine: where.
        steps: which.
        cache: the task's own folder out here; made if missing.
        assets: files that are downloaded.
        folder: the suite's, under which `upload_file` finds its files; None where there are none.

    Raises:
        SetupFailed: a step failed; those after it were not begun.
    """
    cache.mkdir(parents=True, exist_ok=True)
    doing = _Doing(machine, cache, assets, folder)
    for place, step in enumerate(steps):
        where = f"step {place + 1} of {len(steps)}, `{step.type}`"
        try:
            doing.do(step)
        except SetupFailed as failed:
            raise SetupFailed(f"{where}: {failed}", failed.fault) from None
        except GuestGone as gone:
            raise SetupFailed(f"{where}: {gone}", "infrastructure") from None
        except GuestSaid as said:
            raise SetupFailed(f"{where}: {said}", "task" if said.status in (400, 404) else "infrastructure") from None
        except AssetError as problem:
            fault: Fault = "infrastructure" if "cannot be fetched" in str(problem) else "task"
            raise SetupFailed(f"{where}: {problem}", fault) from None
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise SetupFailed(f"{where}: {type(error).__name__}: {error}", "task") from None
    return tuple(doing.notes)


class _Doing:
    """One list of steps."""

    def __init__(self, machine: Machine, cache: Path, assets: Assets, folder: Path | None) -> None:
        self._machine = machine
        self._guest = _guest(machine)
        self._cache = cache
        self._assets = assets
        self._folder = folder
        self.notes: list[str] = []

    def do(self, step: Step) -> None:
        word = WORDS.get(step.type)
        if word is None or word.unsupported or step.type == "proxy":
            why = word.unsupported if word is not None and word.unsupported else "no proxy is set up here"
            raise SetupFailed(f"not supported: {why if word is not None else 'no such step'}", "task")
        does: Mapping[str, Callable[..., None]] = {
            "download": self._download,
            "upload_file": self._upload,
            "launch": self._launch,
            "open": lambda path: self._guest.open_file(path),
            "execute": self._execute,
            "command": self._execute,
            "execute_with_verification": self._verified,
            "sleep": self._sleep,
            "activate_window": lambda window_name, **how: self._guest.activate_window(window_name, **_how(how)),
            "close_window": lambda window_name, **how: self._guest.close_window(window_name, **_how(how)),
            "change_wallpaper": lambda path: self._guest.change_wallpaper(path),
            "chrome_open_tabs": self._open_tabs,
            "chrome_close_tabs": self._close_tabs,
            "update_browse_history": self._history,
        }
        does[step.type](**step.parameters)

    # Files

    def _download(self, files: Sequence[Mapping[str, str]]) -> None:
        """Each file into the task's cache, under upstream's name for it, and from there to the machine."""
        for one in files:
            asset = self._assets.get(one["url"])
            kept = self._cache / cache_name(one["url"], one["path"])
            shutil.copyfile(asset.path, kept)
            self._guest.upload(one["path"], kept.read_bytes())

    def _upload(self, files: Sequence[Mapping[str, str]]) -> None:
        for one in files:
            if self._folder is None:
                raise SetupFailed("there is no suite's folder to take files from", "task")
            path = (self._folder / one["local_path"]).resolve()
            if not path.is_relative_to(self._folder.resolve()) or not path.is_file():
                raise SetupFailed(f"`{one['local_path'][:120]}` is no file below {self._folder}", "task")
            self._guest.upload(one["path"], path.read_bytes())

    # Programs

    def _launch(self, command: str | Sequence[str], shell: bool = False) -> None:
        """Upstream only logs that a program did not start."""
        if isinstance(command, str) and not shell and len(command.split()) > 1:
            command = command.split()
        try:
            self._guest.launch(command, bool(shell))
        except GuestSaid as said:
            self.notes.append(f"launch of {_short(command)}: {said}")

    def _execute(
        self,
        command: str | Sequence[str],
        stdout: str = "",
        stderr: str = "",
        shell: bool = False,
        until: Mapping[str, Any] | None = None,
    ) -> None:
        """Once, or until `until` holds; what it said goes to files of these names in the cache."""
        asked = self._filled(command)
        failed, over = 0, time.monotonic() + UNTIL_S
        while True:
            ran: Ran | None = None
            try:
                ran = self._guest.execute(asked, bool(shell))
                for name, said in ((stdout, ran.output), (stderr, ran.error)):
                    if name:
                        _inside(self._cache, name).write_text(said, "utf-8")
            except GuestSaid as said:
                failed += 1
                self.notes.append(f"execute of {_short(command)}: {said}")
            if not until or (ran is not None and _holds(until, ran)) or failed >= _MOST_FAILED:
                return
            if time.monotonic() > over:
                raise SetupFailed(f"{_short(command)} did not come to {dict(until)} in {UNTIL_S:g} seconds", "task")
            time.sleep(_AGAIN_S)

    def _verified(
        self,
        command: str | Sequence[str],
        verification: Mapping[str, Any] | None = None,
        max_wait_time: float = 10,
        check_interval: float = 1.0,
        shell: bool = False,
    ) -> None:
        asked = self._filled(command)
        if not self._guest.verified(
            asked, verification or {}, bool(shell), float(max_wait_time), float(check_interval)
        ):
            raise SetupFailed(f"{_short(command)} did not come to {dict(verification or {})}", "infrastructure")

    def _filled(self, command: str | Sequence[str]) -> str | list[str]:
        """Upstream's words in braces, replaced as text."""
        width, height = self._machine.screen
        told = (str(width // 2), str(height // 2), str(width), str(height), self._machine.password)

        def fill(text: str) -> str:
            for word, value in zip(_SHIFTED, told, strict=True):
                text = text.replace(f"{{{word}}}", value)
            return text

        return fill(command) if isinstance(command, str) else [fill(str(one)) for one in command]

    def _sleep(self, seconds: float) -> None:
        if seconds > MOST_SLEEP_S:
            self.notes.append(f"it slept {MOST_SLEEP_S:g} seconds where {seconds:g} were asked for")
        time.sleep(max(0.0, min(float(seconds), MOST_SLEEP_S)))  # the task says so

    # The browser

    def _open_tabs(self, urls_to_open: Sequence[str]) -> None:
        """One tab for each address; the tab that the browser began with is closed after the first."""
        for place, url in enumerate(urls_to_open):
            before = self._pages()
            made = self._chrome("PUT", f"/json/new?{urllib.parse.quote(url, safe=_URL)}")
            if place == 0 and before:
                self._chrome("GET", f"/json/close/{before[-1]['id']}")
            self._loaded(str(made["id"]))

    def _close_tabs(self, urls_to_close: Sequence[str]) -> None:
        for url in urls_to_close:
            found = next((one for one in self._pages() if _plain_url(str(one.get("url"))) == _plain_url(url)), None)
            if found is None:
                self.notes.append(f"no tab shows {url}")
            else:
                self._chrome("GET", f"/json/close/{found['id']}")

    def _pages(self) -> list[dict[str, Any]]:
        return [one for one in self._chrome("GET", "/json/list") if one.get("type") == "page"]

    def _loaded(self, tab: str) -> None:
        """Until a tab has a title of its own; an address that does not answer in time is as well, as upstream's."""
        until = time.monotonic() + _LOADS_S
        while time.monotonic() < until:
            page = next((one for one in self._pages() if one["id"] == tab), None)
            if page is None or (page.get("title") and page["title"] not in (page.get("url"), "about:blank")):
                return
            if page.get("title") == page.get("url") and page.get("title"):
                return
            time.sleep(_AGAIN_S)

    def _chrome(self, method: str, path: str) -> Any:
        """Ask the browser's debugging port, until it has begun to answer."""
        port = self._machine.ports.get("chromium")
        if port is None:
            raise SetupFailed("the browser's port of this machine cannot be reached from here", "infrastructure")
        host = urlsplit(self._machine.address).hostname or "127.0.0.1"
        until = time.monotonic() + _CHROME_S
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while True:
            try:
                request = urllib.request.Request(f"http://{host}:{port}{path}", method=method)
                with opener.open(request, timeout=20) as answer:
                    said = answer.read().decode("utf-8", "replace")
                return json.loads(said) if said[:1] in "[{" else said
            except urllib.error.HTTPError as error:
                raise SetupFailed(f"the browser answered {error.code} to {path[:80]}", "task") from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                if time.monotonic() > until:
                    why = f"the browser did not answer at {host}:{port}: {type(error).__name__}"
                    raise SetupFailed(why, "infrastructure") from None
            time.sleep(_AGAIN_S)

    def _history(self, history: Sequence[Mapping[str, Any]]) -> None:
        """A history of these visits in place of the browser's own."""
        home = self._guest.execute(["sh", "-c", 'printf %s "$HOME"']).output
        self._guest.upload(f"{home}/{HISTORY}", history_file(history, time.time()))


_URL = "%/:=&?~#+!$,;'@()*[]"


def _guest(machine: Machine) -> Guest:
    return Guest(machine.address, machine.token or "", 60.0)


def _answers(guest: Guest) -> None:
    """Until the machine answers, as upstream asks it."""
    until = time.monotonic() + _ANSWERS_S
    while True:
        try:
            guest.terminal()
            return
        except GuestSaid:
            return
        except GuestGone as gone:
            if time.monotonic() > until:
                raise SetupFailed(str(gone), "infrastructure") from None
        time.sleep(_AGAIN_S)


def _picture(guest: Guest) -> bytes:
    with suppress(GuestGone, GuestSaid):
        return hashlib.sha256(guest.screenshot()).digest()
    return b""


def _shown(guest: Guest, before: bytes, asks: bool) -> None:
    """Until what was started has come to the screen and is still; a little while where nothing comes.

    A program that has drawn its window may be far from taking keys. With `asks` what programs tell through
    accessibility must come to rest as well: upstream's machines take seconds to tell it, ours a moment.
    """
    began = since = time.monotonic()
    last, told = before, ""
    while True:
        now, seen = time.monotonic(), _picture(guest)
        if seen != last:
            last, since = seen, now
        if now - began >= _LONGEST_S:
            return
        if now - since >= (_STILL_S if last != before else _SHOWS_S):
            if not asks or last == before:
                return
            asked, telling = time.monotonic(), _tree(guest)
            silent = "<application" not in telling and time.monotonic() - asked >= _SILENT_S
            if telling == told and not silent:
                return
            told, since = telling, time.monotonic()
        time.sleep(_LOOKS_S)  # between two looks


def _tree(guest: Guest) -> str:
    with suppress(GuestGone, GuestSaid):
        return guest.accessibility()
    return ""


def _holds(until: Mapping[str, Any], ran: Ran) -> bool:
    """Any of what is asked for, as upstream's."""
    return (
        ("returncode" in until and ran.code == until["returncode"])
        or ("stdout" in until and str(until["stdout"]) in ran.output)
        or ("stderr" in until and str(until["stderr"]) in ran.error)
    )


def _how(given: Mapping[str, Any]) -> dict[str, bool]:
    return {name: bool(given.get(name)) for name in ("strict", "by_class")}


def _inside(folder: Path, name: str) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9._ -]{1,120}", name) or name in (".", ".."):
        raise SetupFailed(f"`{name[:60]}` is no plain file name: it would leave the cache", "task")
    return folder / name


def _short(command: str | Sequence[str]) -> str:
    words = command if isinstance(command, str) else " ".join(map(str, command))
    return f"`{' '.join(words.split())[:80]}`"


def _plain_url(url: str) -> str:
    """Without what two spellings of one address may differ in."""
    shape = urlsplit(url.strip())
    host = (shape.hostname or "").removeprefix("www.")
    return f"{host}{shape.path.rstrip('/')}?{shape.query}"
