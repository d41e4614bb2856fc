"""JUnit XML for runs: what failed for business reasons is a failure, what broke is an error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as xml

__all__ = ["Case", "write_junit"]

_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold."""


@dataclass(frozen=True, slots=True)
class Case:
    """One run. `kind` is `passed`, `failed` (the task could not be done), `broken` (machinery) or `skipped`."""

    name: str
    kind: str
    outcome: str
    because: str
    seconds: float = 0.0
    folder: str = ""


_ELEMENT = {"failed": "failure", "broken": "error", "skipped": "skipped"}


def write_junit(path: Path, suite: str, cases: Sequence[Case]) -> None:
    """Write the report. Raises OSError."""
    root = xml.Element("testsuites")
    counts = {element: sum(_ELEMENT.get(case.kind) == element for case in cases) for element in _ELEMENT.values()}
    total = sum(case.seconds for case in cases)
    told = {"name": suite, "tests": str(len(cases)), "failures": str(counts["failure"]), "errors": str(counts["error"])}
    one = xml.SubElement(root, "testsuite", {**told, "skipped": str(counts["skipped"]), "time": f"{total:.3f}"})
    for case in cases:
        given = {"classname": suite, "name": _clean(case.name), "time": f"{case.seconds:.3f}"}
        element = xml.SubElement(one, "testcase", given)
        if case.kind in _ELEMENT:
            said = {"message": _clean(case.because)}
            if case.kind != "skipped":
                said["type"] = case.outcome
            xml.SubElement(element, _ELEMENT[case.kind], said)
        if case.folder:
            xml.SubElement(element, "system-out").text = _clean(f"run folder: {case.folder}")
    path.parent.mkdir(parents=True, exist_ok=True)
    xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
