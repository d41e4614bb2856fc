"""What can break below the loop. A refusal is a value (`Receipt`), never one of these.

SurfaceError
├── SurfaceUnavailable   it could not be started, or is not there
├── SurfaceLost          it was there and is gone (crash, unplugged, display closed)
└── SurfaceTimeout       it is there and does not answer within the bound
"""

from __future__ import annotations

__all__ = ["SurfaceError", "SurfaceLost", "SurfaceTimeout", "SurfaceUnavailable"]


class SurfaceError(Exception):
    """The machinery under an actuator broke. The message is one line: what, where, what to try."""


class SurfaceUnavailable(SurfaceError):
    """The surface could not be started or reached."""


class SurfaceLost(SurfaceError):
    """The surface went away while in use."""


class SurfaceTimeout(SurfaceError):
    """The surface did not answer in time."""
