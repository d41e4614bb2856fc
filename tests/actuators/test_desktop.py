from __future__ import annotations

from collections.abc import Callable

import pytest
from contract.actuator import ActuatorContract
from desktop_stage import DesktopStage

pytestmark = pytest.mark.display


@pytest.fixture
def stage(begin_desktop: Callable[[], DesktopStage]) -> DesktopStage:
    return begin_desktop()


class TestDesktop(ActuatorContract):
    forms = False
