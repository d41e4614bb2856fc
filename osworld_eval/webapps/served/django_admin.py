"""Django's own admin over its users and groups."""

from __future__ import annotations

from pathlib import Path

import django_site
from leash import PASSWORD, main

PEOPLE = ("alan", "barbara", "edsger", "mallory")


def configure(folder: Path) -> None:
    """A project without an application of its own."""
    django_site.configure(folder, "django_admin_urls", ["django.contrib.admin"])


def prepare(folder: Path) -> None:
    """A superuser `operator`, four people, two groups."""
    configure(folder)
    django_site.migrate()
    from django.contrib.auth.models import Group, Permission, User

    for name in PEOPLE:
        User.objects.create_user(name, f"{name}@example.org", PASSWORD)
    editors = Group.objects.create(name="Editors")
    editors.permissions.add(Permission.objects.get(codename="view_user"))
    Group.objects.create(name="Readers")
    User.objects.get(username="alan").groups.add(editors)


def serve(folder: Path, port: int) -> None:
    """The admin at `/admin/`."""
    configure(folder)
    django_site.serve(port)


main(prepare, serve)
