"""What continuous integration is told of a run: a JUnit file, and annotations in GitHub's and GitLab's form.

Built from the run folder, as the report is. Texts come from screens and models: they are escaped for their form, and
what XML cannot hold is left out.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from agent.junit import Case, Kind
from agent.junit import junit as junit_of
from agent.outcome import Ending
from agent.report.story import Check, StepStory, Story, read_story
from agent.run_folder import RunFolder

__all__ = ["GITLAB_REPORT", "Finding", "Told", "findings", "github", "gitlab", "junit", "tell_build", "unfit_form"]

Level = Literal["error", "warning", "notice"]


GITLAB_REPORT = Path("gl-code-quality-report.json")
"""Where annotations for GitLab are written, in the current folder; the name is GitLab's own."""


@dataclass(frozen=True, slots=True)
class Told:
    """A run that ended."""

    ending: Ending
    folder: RunFolder | None
    """None where nothing was started."""
    path: Path
    """The task's file."""
    task: str
    seconds: float


def unfit_form(annotations: str) -> str:
    """Why this is no form of annotations; empty when it is one, or none is asked for."""
    return (
        "" if annotations in ("", "github", "gitlab") else f"--annotations takes github or gitlab, got `{annotations}`"
    )


def tell_build(told: Told, to: Path | None, annotations: str, out: TextIO) -> None:
    """Write what was asked for; that it cannot be written is said and hides nothing of how the run went."""
    try:
        if to is not None:
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(junit(told.ending, told.folder, told.task, told.seconds))
        found = findings(told.ending, told.folder) if annotations else []
        if annotations == "github":
            print("\n".join(github(found, told.path)), file=out, flush=True)
        elif annotations == "gitlab":
            GITLAB_REPORT.write_text(gitlab(found, told.path), "utf-8", "replace")
    except OSError as problem:
        print(f"agent run: cannot write `{problem.filename}`: {(problem.strerror or 'error').lower()}", file=sys.stderr)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that somebody who reads a build should see."""

    level: Level
    title: str
    message: str


def findings(ending: Ending, folder: RunFolder | None) -> list[Finding]:
    """How it ended, first; then checks that failed, acts that were refused or broke, and what was odd."""
    level: Level = "notice" if ending.outcome == "verified" else "error"
    if ending.outcome == "done_unverified":
        level = "warning"
    found = [Finding(level, ending.outcome.replace("_", " "), ending.because)]
    if folder is None:
        return found
    story = read_story(folder)
    found += [
        Finding("error", f"check {one.kind}", one.detail or "not passed") for one in _checks(story) if not one.passed
    ]
    for step in story.steps:
        found += _of_step(step)
    return found


def _checks(story: Story) -> list[Check]:
    """The last word on each check of the task."""
    every = [one for step in story.steps for one in step.checks] + story.checks
    return [*{(one.name or one.kind, "" if one.name else one.detail): one for one in every}.values()]


def _of_step(step: StepStory) -> Iterator[Finding]:
    where = f"step {step.index + 1}"
    for ruling in step.rulings:
        if ruling.verdict == "deny":
            by = ", ".join(ruling.rules) or "no rule matched"
            yield Finding("warning", f"{where}: refused", f"{ruling.act.target}: {ruling.reason} ({by})")
    for answer in step.answers:
        if answer.answer != "approved":
            yield Finding("warning", f"{where}: {answer.answer}", answer.question or "a person was asked")
    for deed in step.deeds:
        if deed.status in ("", "unknown"):
            yield Finding("error", f"{where}: effect unknown", f"{deed.act.target}: look before repeating it")
        elif deed.status == "failed":
            yield Finding("error", f"{where}: failed", deed.detail)
    for error in step.errors:
        yield Finding("error", f"{where}: broke", error)
    for note in step.notes:
        if note.name == "gui.anomaly":
            yield Finding("warning", f"{where}: odd", note.body)


def junit(ending: Ending, folder: RunFolder | None, task: str, seconds: float) -> bytes:
    """A JUnit file: the run itself as one case, each check on its trail as another."""
    story = read_story(folder) if folder is not None else None
    kind: Kind = "passed" if ending.outcome == "verified" else "broken" if ending.outcome == "error" else "failed"
    log = _log(ending, folder) if folder is not None else ""
    cases = [Case("run", kind, ending.outcome, ending.because, seconds, log)]
    cases += [_of_check(one) for one in (_checks(story) if story is not None else [])]
    return junit_of(task, cases, _properties(folder, story) if folder is not None and story is not None else None)


def _of_check(check: Check) -> Case:
    name = f"check {check.name}" if check.name else f"check {check.kind}: {check.detail}".removesuffix(": ")
    if check.passed is None:
        return Case(name[:300], "skipped", because="unclear")
    return Case(name[:300], "passed" if check.passed else "failed", "check", check.detail or "not passed")


def _properties(folder: RunFolder, story: Story) -> dict[str, str]:
    told = {"run": folder.id, "report": str(folder.report)}
    if story.record is not None:
        told |= {"model": story.record.model, "policy": story.record.policy, "public_key": story.record.public_key}
        told |= {
            f"output.{name}": json.dumps(value, ensure_ascii=False) for name, value in story.record.outputs.items()
        }
    return told


def _log(ending: Ending, folder: RunFolder) -> str:
    lines = [f"{one.level}: {one.title}: {one.message}" for one in findings(ending, folder)]
    return "\n".join([*lines, f"report: {folder.report}"])


def github(found: Sequence[Finding], task: Path) -> list[str]:
    """Workflow commands, one a line, at the task's file."""
    file = _property(task.as_posix())
    return [f"::{one.level} file={file},line=1,title={_property(one.title)}::{_data(one.message)}" for one in found]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def gitlab(found: Sequence[Finding], task: Path) -> str:
    """A Code Quality report (`artifacts:reports:codequality`); what went well is not in it."""
    told = [one for one in found if one.level != "notice"]
    rows = []
    for at, one in enumerate(told):
        said = f"{one.title}: {one.message}"
        mark = hashlib.sha256(f"{task.as_posix()}\n{at}\n{said}".encode("utf-8", "replace")).hexdigest()
        severity = "major" if one.level == "error" else "minor"
        where = {"path": task.as_posix(), "lines": {"begin": 1}}
        row = {"description": said, "check_name": "deskhand", "fingerprint": mark, "severity": severity}
        rows.append(row | {"location": where})
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
