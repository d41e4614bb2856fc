"""One browser for the whole session; each test has a context of its own in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
pytest.register_assert_rewrite("contract.actuator")

from browser_stage import BrowserStage, Stages  # noqa: E402
from desktop_stage import DesktopStage, DesktopStages  # noqa: E402

from sandboxes.base import SandboxUnavailable  # noqa: E402
from sandboxes.chromium import Chromium  # noqa: E402
from sandboxes.display import Display  # noqa: E402


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    try:
        with Chromium(viewport=(640, 480), downloads=True) as started:
            yield started
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def stages(chromium: Chromium) -> Stages:
    return Stages(chromium)


@pytest.fixture
def begin(stages: Stages) -> Iterator[Callable[..., BrowserStage]]:
    """Starts stages; one ends when the next begins, or with the test."""
    made: list[BrowserStage] = []

    def start(*pages: Any, **given: Any) -> BrowserStage:
        while made:
            stages.end(made.pop())
        made.append(stages.start(*pages, **given))
        return made[-1]

    yield start
    while made:
        stages.end(made.pop())


@pytest.fixture
def display() -> Iterator[Display]:
    """An X server without anything on it."""
    pytest.importorskip("Xlib")
    try:
        with Display((640, 480)) as started:
            yield started
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def desktop_stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DesktopStages]:
    stages = DesktopStages(tmp_path_factory.mktemp("desk"))
    yield stages
    stages.close()


@pytest.fixture
def begin_desktop(desktop_stages: DesktopStages) -> Iterator[Callable[[], DesktopStage]]:
    """Starts the stage on a desktop; one ends when the next begins, or with the test."""
    made: list[DesktopStage] = []

    def start() -> DesktopStage:
        while made:
            desktop_stages.end(made.pop())
        try:
            made.append(desktop_stages.start())
        except SandboxUnavailable as missing:
            pytest.skip(str(missing))
        return made[-1]

    yield start
    while made:
        desktop_stages.end(made.pop())
