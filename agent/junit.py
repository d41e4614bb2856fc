"""JUnit XML: what could not be done is a failure, what broke is an error. Texts come from screens and models."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

__all__ = ["Case", "Kind", "junit"]

Kind = Literal["passed", "failed", "broken", "skipped"]
_ELEMENT: dict[str, str] = {"failed": "failure", "broken": "error", "skipped": "skipped"}
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was tried. `failed`: it could not be done; `broken`: the machinery could not."""

    name: str
    kind: Kind
    type: str = ""
    because: str = ""
    seconds: float = 0.0
    log: str = ""


def junit(suite: str, cases: Sequence[Case], properties: Mapping[str, str] | None = None) -> bytes:
    """One suite as a file."""
    kinds = Counter(case.kind for case in cases)
    told = {"tests": str(len(cases)), "failures": str(kinds["failed"]), "errors": str(kinds["broken"])}
    root = ET.Element("testsuites", told)
    seconds = f"{sum(case.seconds for case in cases):.3f}"
    whole = ET.SubElement(
        root, "testsuite", {"name": _xml(suite), **told, "skipped": str(kinds["skipped"]), "time": seconds}
    )
    if properties:
        around = ET.SubElement(whole, "properties")
        for name, value in properties.items():
            ET.SubElement(around, "property", name=_xml(name), value=_xml(value))
    for case in cases:
        _case(whole, suite, case)
    ET.indent(root)
    return b"%s\n" % ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _case(whole: ET.Element, suite: str, case: Case) -> None:
    given = {"classname": _xml(suite), "name": _xml(case.name), "time": f"{case.seconds:.3f}"}
    element = ET.SubElement(whole, "testcase", given)
    if case.kind in _ELEMENT:
        said = {"type": case.type} if case.type else {}
        ET.SubElement(element, _ELEMENT[case.kind], {**said, "message": _xml(case.because)})
    if case.log:
        ET.SubElement(element, "system-out").text = _xml(case.log)


def _xml(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
