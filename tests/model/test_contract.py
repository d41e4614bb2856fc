"""A local checkpoint keeps the contract of models."""

from __future__ import annotations

from typing import Any

import pytest
from model_contract import ModelContract
from test_local import SMALL, with_profile

from model.base import Model


class TestLocal(ModelContract):
    @pytest.fixture
    def model(self, tiny: Any) -> Model:
        return with_profile(tiny, SMALL.model_copy(update={"turns": 2}))
