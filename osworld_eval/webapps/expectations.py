"""What each task must bring about in its application's own data, and what else may change with it.

Numbers of rows follow from what the scripts in `served/` seed, in the order in which they do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from osworld_eval.webapps.state import Effect

__all__ = ["TASKS", "WebTask"]


@dataclass(frozen=True, slots=True)
class WebTask:
    """A task file of `tasks/` by name, the application it runs on, and the differences it must make."""

    name: str
    application: str
    effects: tuple[Effect, ...]


_NEW_USER = {"username": "grace", "email": "", "is_active": 1, "is_staff": 0, "is_superuser": 0}
_ARTICLE = {
    "title": "Harbour festival",
    "draft_title": "Harbour festival",
    "depth": 3,
    "path": "000100010004",
    "live": 1,
}
_REVISED = frozenset({"has_unpublished_changes", "latest_revision_created_at", "latest_revision_id"})
_TEN_TO_SIX = re.compile(r'"body": "We are open from ten to six"')
_SUBSCRIBED = Effect("added", "wagtailcore_pagesubscription", {"user_id": 1}, optional=True)
"""Whoever edits a page in Wagtail is told of comments on it."""
_TICKET = {"_title": "Heating in room 12 is off", "_priority": 2, "_status": 1, "_creator": 3, "__retired__": 0}

TASKS: Mapping[str, WebTask] = {
    one.name: one
    for one in (
        WebTask("django_add_user", "django_admin", (Effect("added", "auth_user", _NEW_USER),)),
        WebTask(
            "django_group_permission",
            "django_admin",
            (Effect("added", "auth_group_permissions", {"group_id": 2, "permission_id": 12}),),
        ),
        WebTask("django_delete_user", "django_admin", (Effect("removed", "auth_user", {"username": "mallory"}),)),
        WebTask(
            "wagtail_new_article",
            "wagtail_cms",
            (
                Effect("added", "wagtailcore_page", _ARTICLE),
                Effect("added", "articles_articlepage", {"body": "The festival begins on Friday"}),
                Effect("changed", "wagtailcore_page", {"numchild": 4}, id="2"),
                Effect("added", "wagtailcore_revision", {"object_str": "Harbour festival"}),
                _SUBSCRIBED,
            ),
        ),
        WebTask(
            "wagtail_edit_article",
            "wagtail_cms",
            (
                Effect("changed", "wagtailcore_page", {"has_unpublished_changes": 1}, id="3", free=_REVISED),
                Effect("added", "wagtailcore_revision", {"object_id": "3", "content": _TEN_TO_SIX}),
                _SUBSCRIBED,
            ),
        ),
        WebTask(
            "wiki_new_page",
            "otter_wiki",
            (Effect("added", "pages", {"text": "Moorings are free in winter\n"}, id="moorings.md"),),
        ),
        WebTask(
            "wiki_edit_page",
            "otter_wiki",
            (Effect("changed", "pages", {"text": "Crane 2 works again\n"}, id="cranes.md"),),
        ),
        WebTask(
            "tracker_file_ticket",
            "roundup_tracker",
            (
                Effect("added", "_issue", _TICKET, id="4"),
                Effect("added", "_msg", {"_summary": "It has been cold since Monday", "_author": 3}),
                Effect("added", "issue_messages", {"nodeid": 4, "linkid": 1}),
                Effect("added", "issue_nosy", {"nodeid": 4, "linkid": 3}, optional=True),
            ),
        ),
        WebTask(
            "tracker_close_ticket",
            "roundup_tracker",
            (
                Effect("changed", "_issue", {"_status": 8}, id="2"),
                Effect("added", "issue_nosy", {"nodeid": 2, "linkid": 3}, optional=True),
                Effect("added", "_msg", {"_author": 3}, optional=True),
                Effect("added", "issue_messages", {"nodeid": 2}, optional=True),
            ),
        ),
        WebTask("notebook_new_file", "jupyter_lab", (Effect("added", "work", {"text": ""}, id="plan.txt"),)),
        WebTask("notebook_new_folder", "jupyter_lab", (Effect("added", "work", {"text": "(a folder)"}, id="archive"),)),
    )
}
