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

from sandboxes.base import SandboxUnavailable  # noqa: E402
from sandboxes.chromium import Chromium  # noqa: E402


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
