"""One guest server on one sandboxed desktop for the whole session; a new one when it has died."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "actuators")]
pytest.register_assert_rewrite("contract.actuator")

from guest_stage import GuestStage, GuestStages  # noqa: E402

from sandboxes.base import SandboxUnavailable  # noqa: E402
from sandboxes.guest import Guest  # noqa: E402


@pytest.fixture(scope="session")
def guest_stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuestStages]:
    stages = GuestStages(tmp_path_factory.mktemp("guest"))
    yield stages
    stages.close()


@pytest.fixture
def begin_guest(guest_stages: GuestStages) -> Iterator[Callable[[], GuestStage]]:
    made: list[GuestStage] = []

    def start() -> GuestStage:
        while made:
            guest_stages.end(made.pop())
        try:
            made.append(guest_stages.start())
        except SandboxUnavailable as missing:
            pytest.skip(str(missing))
        return made[-1]

    yield start
    while made:
        guest_stages.end(made.pop())


@pytest.fixture
def ours(guest_stages: GuestStages) -> Guest:
    """A client of our own server."""
    try:
        return guest_stages.guest()
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))
