"""The nodes of a suite's pictures, kept as plain data in `nodes.json`: what a surface would list beside the pixels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actuators.geometry import Rect
from actuators.observation import Node

__all__ = ["STATES", "plain_node", "read_nodes"]

STATES = ("focused", "checked", "unchecked", "selected", "expanded", "collapsed", "disabled", "filled", "editable")
"""Every word that may stand in a node's `states`."""


def plain_node(node: Node) -> dict[str, Any]:
    """What a model may be told of a node, as plain data; `box` is x, y, width, height in picture pixels."""
    holds = {
        "focused": node.focused,
        "checked": node.checked is True,
        "unchecked": node.checked is False,
        "selected": node.selected is True,
        "expanded": node.expanded is True,
        "collapsed": node.expanded is False,
        "disabled": not node.enabled,
        "filled": node.filled is True,
        "editable": node.editable,
    }
    return {
        "role": node.role,
        "name": node.name,
        "value": node.value,
        "states": [state for state in STATES if holds[state]],
        "tag": node.tag,
        "box": [node.rect.left, node.rect.top, node.rect.width, node.rect.height],
    }


def read_nodes(file: Path, faults: list[str]) -> dict[str, tuple[Node, ...]]:
    """Nodes by picture, in the file's order. What is wrong is added to `faults`, one line each."""
    try:
        data = json.loads(file.read_text("utf-8"))
    except (ValueError, OSError) as error:
        faults.append(f"{file.name}: not readable as JSON: {' '.join(str(error).split())}")
        return {}
    if not isinstance(data, dict):
        faults.append(f"{file.name}: expected an object from picture to nodes, got {type(data).__name__}")
        return {}
    found = {}
    for image, listed in data.items():
        if not isinstance(listed, list):
            faults.append(f"{file.name}: {image}: expected a list of nodes, got {type(listed).__name__}")
            continue
        nodes = []
        for number, told in enumerate(listed, 1):
            try:
                nodes.append(_node(told, f"n{number}"))
            except (KeyError, TypeError, ValueError) as error:
                why = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
                faults.append(f"{file.name}: {image}: node {number}: {why}")
        found[image] = tuple(nodes)
    return found


def _node(told: Mapping[str, Any], name: str) -> Node:
    if not isinstance(told, Mapping):
        raise TypeError(f"expected an object, got {type(told).__name__}")
    box = told["box"]
    if not (isinstance(box, list) and len(box) == 4 and all(type(n) is int for n in box) and min(box[2:]) > 0):
        raise ValueError(f"`box` must be four whole numbers: x, y, width, height, got {box!r}")
    states = told.get("states", [])
    for state in states:
        if state not in STATES:
            raise ValueError(f"unknown state `{state}`, expected {', '.join(STATES)}")
    x, y, width, height = box
    return Node(
        id=name,
        role=str(told["role"]),
        name=str(told["name"]),
        rect=Rect(x, y, x + width, y + height),
        value=str(told.get("value", "")),
        enabled="disabled" not in states,
        focused="focused" in states,
        checked=_either(states, "checked", "unchecked"),
        expanded=_either(states, "expanded", "collapsed"),
        selected=True if "selected" in states else None,
        filled=True if "filled" in states else None,
        editable="editable" in states,
        tag=str(told.get("tag", "")),
    )


def _either(states: list[str], yes: str, no: str) -> bool | None:
    return True if yes in states else False if no in states else None
