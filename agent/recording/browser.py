"""Watches a person do a task in a browser, until they close the window, and writes down what they did.

Nothing is performed here and no policy is asked: the person acts. What pages may load is what the sandbox lets any page
load. Secrets are blacked out of every picture and never read out of their fields.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING

from actuators.browser import BrowserActuator
from actuators.errors import SurfaceError, SurfaceLost
from actuators.geometry import Screen
from actuators.nodes import is_secret
from actuators.observation import Node, Observation
from actuators.permit import Verifier
from agent.recording.film import CoveredFilm
from agent.recording.heard import Ear, Heard, Look, plain_nodes
from sandboxes.chromium import Chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["Pulse", "Watched", "Wish", "watch"]

Pulse = Callable[["Page"], bool]
"""Called again and again while the person acts; False ends the recording."""
_LOOKS_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be recorded, and where to."""

    start: str
    film: Path
    viewport: tuple[int, int] = (1280, 800)
    headed: bool = True
    secrets: tuple[str, ...] = ()
    """Names of fields that are secret beside those that say so."""


@dataclass(slots=True)
class Watched:
    """What was seen of it."""

    screen: Screen
    last: Look
    """What was shown at the end."""
    heard: list[Heard] = field(default_factory=list)
    still: list[float] = field(default_factory=list)
    """When the page was seen to stand still, seconds since the epoch."""
    seconds: float = 0.0


def watch(wish: Wish, pulse: Pulse) -> Watched:
    """Open a browser and watch until the window is closed, `pulse` says so, or Ctrl+C.

    Raises:
        SandboxUnavailable, SurfaceUnavailable: there is no browser, or the first page cannot be opened.
    """
    nobody = Verifier(token_bytes(32), "", "")  # no permit is valid here
    with Chromium(wish.viewport, headed=wish.headed) as chromium:
        screen = Screen(*wish.viewport)
        ear = Ear(chromium.context, screen, wish.secrets)
        page = chromium.context.new_page()
        ear.start()
        with BrowserActuator(chromium.context, nobody) as actuator:
            actuator.open(wish.start)
            watcher = _Watcher(actuator, ear, CoveredFilm(wish.film, wish.viewport), screen)
            try:
                watcher.go(page, pulse)
            finally:
                watcher.close()
    return watcher.watched


class _Watcher:
    def __init__(self, actuator: BrowserActuator, ear: Ear, film: CoveredFilm, screen: Screen) -> None:
        self._actuator, self._ear, self._film = actuator, ear, film
        self._marked: set[str] = set()
        self._digest = ""
        self._began = time.monotonic()
        self._ear.went()
        self.watched = Watched(screen, Look("", "", ()))
        self._look()

    def go(self, page: Page, pulse: Pulse) -> None:
        with suppress(KeyboardInterrupt, SurfaceLost):
            while pulse(self._front(page)):
                self._look()
            self._actuator.settle()
            self._look()
            self._look()  # the film takes a picture only where a second look agrees on what is secret

    def close(self) -> None:
        self._hear()
        self._film.close()
        self.watched.seconds = time.monotonic() - self._began

    def _front(self, page: Page) -> Page:
        pages = [one for one in page.context.pages if not one.is_closed()]
        if not pages:
            raise SurfaceLost("the window was closed")
        return pages[-1]

    def _hear(self) -> None:
        for one in self._ear.take():
            target = one.target
            if target is not None and target.path and (one.secret or one.kind == "mark"):
                self._marked.add(target.path)
            there = target is not None and any(
                node.path == target.path and node.rect == target.rect for node in self.watched.last.nodes
            )
            self.watched.heard.append(replace(one, picture=self._film.png if there else b""))
        for url in self._ear.went():
            if not self.watched.heard or url != self.watched.last.url:
                self.watched.heard.append(Heard("open", time.time(), text=url))

    def _look(self) -> None:
        """One look: the film goes on, and what stands at the end is known even if the window is closed next."""
        try:
            settled = self._actuator.settle(_LOOKS_EVERY_S)
            seen = self._actuator.observe()
        except SurfaceLost:
            raise
        except SurfaceError:  # the page is being left
            return
        self._hear()  # what was typed before the picture was taken has been told before it: its field is known by now
        self._film.add(seen, self._hidden)
        if settled.still:
            self.watched.still.append(time.time())
        self.watched.last = _plain(seen)

    def _hidden(self, node: Node) -> bool:
        named = " ".join(node.name.split()).lower() in self._ear.named
        return is_secret(node) or named or (bool(node.path) and node.path in self._marked)


def _plain(seen: Observation) -> Look:
    return Look(seen.url, seen.origin, plain_nodes(seen.nodes), seen.more, seen.title)
