from __future__ import annotations

from collections.abc import Callable

import pytest
from contract.actuator import ActuatorContract
from guest_stage import GuestStage

pytestmark = [pytest.mark.display, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def stage(begin_guest: Callable[[], GuestStage]) -> GuestStage:
    return begin_guest()


class TestGuest(ActuatorContract):
    forms = False
