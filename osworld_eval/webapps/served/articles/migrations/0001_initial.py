"""The article's table, beside that of pages."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """One table."""

    initial = True
    dependencies = [("wagtailcore", "0094_alter_page_locale")]  # noqa: RUF012
    operations = [  # noqa: RUF012
        migrations.CreateModel(
            name="ArticlePage",
            fields=[
                (
                    "page_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="wagtailcore.page",
                    ),
                ),
                ("body", models.TextField(blank=True)),
            ],
            options={"verbose_name": "article"},
            bases=("wagtailcore.page",),
        )
    ]
