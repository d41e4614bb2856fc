"""The queue of runs."""

from alembic import op
from sqlalchemy import Column, Float, Integer, String, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make its table."""
    op.create_table(
        "jobs",
        Column("id", String(32), primary_key=True),
        Column("n", Integer, nullable=False),
        Column("key", String(64), nullable=False),
        Column("name", Text, nullable=False),
        Column("words", Text, nullable=False),
        Column("inputs", Text, nullable=False),
        Column("root", Text, nullable=False),
        Column("retries", Integer, nullable=False),
        Column("made_at", Float, nullable=False),
        Column("not_before", Float, nullable=False, server_default="0"),
        Column("state", String(10), nullable=False),
        Column("tries", Integer, nullable=False, server_default="0"),
        Column("holder", String(160), nullable=False, server_default=""),
        Column("machine", String(120), nullable=False, server_default=""),
        Column("lease", Integer, nullable=False, server_default="0"),
        Column("lease_until", Float, nullable=False, server_default="0"),
        Column("begun_at", Float),
        Column("cancel_by", Text, nullable=False, server_default=""),
        Column("run", String(120), nullable=False, server_default=""),
        Column("outcome", String(20), nullable=False, server_default=""),
        Column("detail", Text, nullable=False, server_default=""),
        Column("outputs", Text, nullable=False, server_default="{}"),
        Column("ended_at", Float),
    )
    op.create_index("jobs_state", "jobs", ["state", "n"])
    op.create_index("jobs_key", "jobs", ["key"])
