"""Which getters and metrics can be served, with what: told before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from osworld_eval.osworld.suite import OsworldTask

__all__ = ["BROWSER", "PLAYER", "unserved", "wanted_ports"]

BROWSER = frozenset(
    {
        *("open_tabs_info", "active_tab_info", "active_tab_html_parse", "page_info", "pdf_from_url"),
        *("number_of_search_results", "info_from_website", "gotoRecreationPage_and_get_html_content"),
    }
)
"""Getters that drive the guest's browser through its debugging port."""
PLAYER = frozenset({"vlc_playing_info"})
"""Getters that ask the guest's VLC."""
_METRICS = {
    "compare_image_text": "needs easyocr, which is in no set, as it fetches its weights while it runs",
    "check_python_file_by_gold_file": "has no body in desktop-env 1.0.2 and gives no score",
}
_GETTERS = {
    "googledrive_file": "needs a Google account, which is not given to a benchmark here",
    "conference_city_in_order": "reads a closed file of the machine that scores, and always breaks",
}


def wanted_ports(task: OsworldTask) -> Iterator[tuple[str, str]]:
    """Ports that a task's getters need, each with the getter: `("chromium", "open_tabs_info")`."""
    for name in _getters(task):
        if name in BROWSER:
            yield "chromium", name
        elif name in PLAYER:
            yield "vlc", name


def unserved(task: OsworldTask) -> Iterator[tuple[str, str]]:
    """What of a task's evaluator can never be scored here, each with the reason."""
    for check in task.evaluator.checks:
        if check.func in _METRICS:
            yield check.func, _METRICS[check.func]
    for name in _getters(task):
        if name in _GETTERS:
            yield name, _GETTERS[name]


def _getters(task: OsworldTask) -> Iterator[str]:
    for check in task.evaluator.checks:
        for getter in (check.result, check.expected):
            if getter is not None:
                yield str(getter["type"])
