"""What an article is."""

from __future__ import annotations

from django.db import models
from wagtail.models import Page


class ArticlePage(Page):
    """A page with plain text."""

    body = models.TextField(blank=True)
    content_panels = [*Page.content_panels, "body"]  # noqa: RUF012

    class Meta:
        """What editors call it."""

        verbose_name = "article"
