from __future__ import annotations

from collections.abc import Callable

import pytest
from browser_stage import BrowserStage
from contract.actuator import ActuatorContract

pytestmark = pytest.mark.browser


@pytest.fixture
def stage(begin: Callable[..., BrowserStage]) -> BrowserStage:
    return begin()


class TestBrowser(ActuatorContract):
    pass
