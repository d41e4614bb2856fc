from __future__ import annotations

import pytest
from contract.actuator import ActuatorContract

pytestmark = pytest.mark.android


class TestAndroidActuator(ActuatorContract):
    """The whole kit on the virtual phone. It has no forms and no pointer; uiautomator tells of neither."""

    forms = False
    pointer = False
