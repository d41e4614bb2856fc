"""Loaded by Python before anything else in a broker that a test breaks: BREAK_DETECTOR=NAME:HOW."""

from __future__ import annotations

import os
import time
from typing import Any

import policies.anomaly

_name, _, _how = os.environ["BREAK_DETECTOR"].partition(":")
_detectors: dict[str, Any] = dict(policies.anomaly.DETECTORS)
_real, _calls = _detectors[_name], [0]


def _broken(glance: Any) -> str:
    _calls[0] += 1
    if _how.endswith("_later") and _calls[0] <= 2:  # as it must be while it is tried
        return str(_real(glance))
    if _how.startswith("raises"):
        raise RuntimeError("broken on purpose")
    if _how.startswith("hangs"):
        time.sleep(600)
    return ""


if _how == "gone":
    del _detectors[_name]
else:
    _detectors[_name] = _broken
if _how.endswith("_untested"):
    policies.anomaly.self_test = lambda: None
policies.anomaly.DETECTORS = _detectors
