"""What of the guest, besides its own port, a task's scoring speaks to: told before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from osworld_eval.osworld.suite import OsworldTask

__all__ = ["BROWSER", "PLAYER", "wanted_ports"]

BROWSER = frozenset(
    {
        *("open_tabs_info", "active_tab_info", "active_tab_html_parse", "page_info", "pdf_from_url"),
        *("number_of_search_results", "info_from_website", "gotoRecreationPage_and_get_html_content"),
    }
)
"""Getters that drive the guest's browser through its debugging port."""
PLAYER = frozenset({"vlc_playing_info"})
"""Getters that ask the guest's VLC."""


def wanted_ports(task: OsworldTask) -> Iterator[tuple[str, str]]:
    """Ports that a task's getters need, each with the getter: `("chromium", "open_tabs_info")`."""
    for check in task.evaluator.checks:
        for getter in (check.result, check.expected):
            name = str(getter["type"]) if getter is not None else ""
            if name in BROWSER:
                yield "chromium", name
            elif name in PLAYER:
                yield "vlc", name
