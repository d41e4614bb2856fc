"""Known bugs of upstream's evaluators, as of `desktop-env` 1.0.2: what each does, and whether a switch mends it.

All are kept unless they are named, so that scores compare with everybody else's. `inside/mending.py` has the cures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["BUGS", "MENDABLE", "Bug", "unknown_names"]


@dataclass(frozen=True, slots=True)
class Bug:
    """One bug."""

    name: str
    """As `--mended` takes it."""
    where: str
    what: str
    """What upstream does."""
    mended: str
    """What is done instead when it is named; empty where nothing can be."""


BUGS = (
    Bug(
        "or-after-missing",
        "DesktopEnv.evaluate",
        "under `or`, a file that is missing is swallowed: the metric is given the result before it, or the scoring "
        "breaks where there is none",
        "that metric counts 0 and the others are asked",
    ),
    Bug(
        "missing-is-error",
        "most metrics",
        "a file that the guest does not have comes as None, on which many metrics break: the task ends in an error and "
        "falls out of upstream's denominator, although it was simply not done",
        "a metric that breaks on None says 0",
    ),
    Bug(
        "quotes-in-json",
        "check_direct_json_object",
        "every ' in a text becomes \" before it is read as JSON, so that an apostrophe in a value breaks it",
        "text that is JSON as it stands is read as it stands",
    ),
    Bug(
        "folder-never-read",
        "check_thunderbird_folder",
        "it passes over every message that has any text, so that any two folders that are there count as the same",
        "their messages are compared, by the options that it documents",
    ),
    Bug(
        "eval-of-guest-text",
        "check_gnome_favorite_apps",
        "what a command in the guest printed is run as Python; here that happens behind a wall, but it decides the "
        'score: `["a"] * 3` counts as a list',
        "it is read as a literal; what is none is an error",
    ),
    Bug(
        "port-as-number",
        "page_info, pdf_from_url, number_of_search_results",
        "when the guest's browser is gone they want to start it anew and break on adding the port, a number, to a text",
        "the port is a text: the browser is started",
    ),
    Bug(
        "gold-file-of-python",
        "check_python_file_by_gold_file",
        "it has no body and gives None: a task that uses it cannot be scored",
        "",
    ),
    Bug(
        "city-in-order",
        "conference_city_in_order",
        "it reads a file of the machine that scores, after it has closed it: a task that uses it ends in an error",
        "",
    ),
    Bug(
        "zone-by-address",
        "rule_relativeTime",
        "without `timezone` it asks a service on the internet where the scoring machine is; behind the wall nobody "
        "answers, and it takes UTC, as upstream does when the service fails",
        "",
    ),
    Bug(
        "tests-beside-answers",
        "check_python_file_by_test_suite",
        "the agent's file is imported by the test and runs in the same process: it can say itself that it passed. It "
        "can reach nothing outside its jail, and no other task's score",
        "",
    ),
)
MENDABLE = frozenset(bug.name for bug in BUGS if bug.mended)


def unknown_names(names: Iterable[str]) -> tuple[str, ...]:
    """Those that no switch has."""
    return tuple(sorted(set(names) - MENDABLE))
