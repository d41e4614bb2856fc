"""From a profile to the protocol it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from model.protocols import mobile_use
from model.protocols.computer_use import ComputerUse
from model.protocols.grid import PUBLISHED, Grid
from model.protocols.mobile_use import MobileUse
from model.protocols.spoken import Spoken

if TYPE_CHECKING:
    from model.profile import Profile

__all__ = ["speech", "tool_problem"]

_KINDS: dict[str, type[ComputerUse] | type[MobileUse]] = {"computer_use": ComputerUse, "mobile_use": MobileUse}


def speech(profile: Profile) -> Spoken:
    """The protocol of a profile, set up as it says."""
    own = profile.grid and Grid(profile.grid.most, profile.grid.divisor)
    shared: dict[str, Any] = {
        "with_goal": profile.with_goal,
        "action_line": profile.action_line,
        "tool": profile.tool,
        "zoom": profile.zooms > 0,
        "calls": profile.calls,
    }
    if profile.protocol == "mobile_use":
        return MobileUse(grid=own or mobile_use.GRID, **shared)
    return ComputerUse(grid=own or PUBLISHED, slide=profile.slide, **shared)


_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def tool_problem(protocol: str, tool: Mapping[str, Any] | None) -> str | None:
    """Why a profile's own tool schema cannot be used; None where it can, or there is none."""
    if tool is None:
        return None
    try:
        function = tool["function"]
        name, enum = function["name"], function["parameters"]["properties"]["action"]["enum"]
    except (KeyError, TypeError):
        return "tool: expected a function schema with a name and an `action` parameter that has an enum"
    if not isinstance(name, str) or not _NAME.match(name):
        return f"tool: `{name}` is no name of a tool"
    known = _KINDS[protocol].actions
    strange = [str(action) for action in enum if action not in known] if isinstance(enum, list) else []
    if not isinstance(enum, list) or not enum or strange:
        what = f"`{strange[0]}`" if strange else "no actions"
        return f"tool: {what} in its enum, {protocol} knows {', '.join(known)}"
    return None
