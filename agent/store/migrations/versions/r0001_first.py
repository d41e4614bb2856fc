"""The first tables."""

from alembic import op
from sqlalchemy import Column, Float, ForeignKey, Integer, LargeBinary, String, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "runs",
        Column("id", String(120), primary_key=True),
        Column("machine", String(120), nullable=False),
        Column("pid", Integer, nullable=False),
        Column("task", Text, nullable=False),
        Column("goal", Text, nullable=False),
        Column("folder", Text, nullable=False),
        Column("state", String(12), nullable=False),
        Column("stage", String(20), nullable=False, server_default=""),
        Column("doing", Text, nullable=False, server_default=""),
        Column("steps", Integer, nullable=False, server_default="0"),
        Column("outcome", String(20), nullable=False, server_default=""),
        Column("detail", Text, nullable=False, server_default=""),
        Column("started_at", Float, nullable=False),
        Column("heartbeat", Float, nullable=False),
        Column("ended_at", Float),
        Column("stop_by", Text, nullable=False, server_default=""),
        Column("driver", Text, nullable=False, server_default=""),
        Column("frame", String(64), nullable=False, server_default=""),
        Column("broker_key", String(64), nullable=False, server_default=""),
    )
    op.create_table(
        "frames",
        Column("run", String(120), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        Column("sha256", String(64), primary_key=True),
        Column("png", LargeBinary, nullable=False),
        Column("at", Float, nullable=False),
    )
    op.create_table(
        "requests",
        Column("id", String(32), primary_key=True),
        Column("run", String(120), nullable=False),
        Column("made_at", Float, nullable=False),
        Column("expires_at", Float),
        Column("on_timeout", String(4), nullable=False),
        Column("state", String(10), nullable=False),
        Column("card", Text, nullable=False),
        Column("digest", String(64), nullable=False),
        Column("frame", String(64), nullable=False, server_default=""),
        Column("assigned", String(80), nullable=False, server_default=""),
    )
    op.create_index("requests_state", "requests", ["state", "made_at"])
    op.create_index("requests_run", "requests", ["run"])
    op.create_table(
        "decisions",
        Column("request", String(32), ForeignKey("requests.id"), primary_key=True),
        Column("answer", String(10), nullable=False),
        Column("by", String(80), nullable=False),
        Column("at", Float, nullable=False),
        Column("channel", String(10), nullable=False),
        Column("body", Text, nullable=False),
        Column("signature", String(128), nullable=False),
        Column("taken_at", Float),
        Column("came_of_it", Text, nullable=False, server_default=""),
    )
    op.create_table(
        "escalations",
        Column("n", Integer, primary_key=True, autoincrement=True),
        Column("request", String(32), ForeignKey("requests.id"), nullable=False),
        Column("by", String(80), nullable=False),
        Column("to", String(80), nullable=False),
        Column("why", Text, nullable=False),
        Column("at", Float, nullable=False),
    )
    op.create_table(
        "hands",
        Column("n", Integer, primary_key=True, autoincrement=True),
        Column("run", String(120), nullable=False),
        Column("by", String(80), nullable=False),
        Column("at", Float, nullable=False),
        Column("action", Text, nullable=False),
        Column("seen", String(64), nullable=False),
        Column("came_of_it", Text),
    )
    op.create_index("hands_run", "hands", ["run", "n"])
    op.create_table(
        "operators",
        Column("name", String(80), primary_key=True),
        Column("role", String(10), nullable=False),
        Column("password", Text, nullable=False, server_default=""),
        Column("made_at", Float, nullable=False),
        Column("disabled_at", Float),
    )
    op.create_table(
        "sessions",
        Column("token", String(64), primary_key=True),
        Column("operator", String(80), nullable=False),
        Column("csrf", String(64), nullable=False),
        Column("made_at", Float, nullable=False),
        Column("expires_at", Float, nullable=False),
    )
    op.create_table(
        "links",
        Column("token", String(64), primary_key=True),
        Column("operator", String(80), nullable=False),
        Column("role", String(10), nullable=False),
        Column("expires_at", Float, nullable=False),
        Column("used_at", Float),
    )
    op.create_table(
        "listeners",
        Column("id", String(32), primary_key=True),
        Column("kind", String(10), nullable=False),
        Column("machine", String(120), nullable=False),
        Column("origin", Text, nullable=False, server_default=""),
        Column("key", String(64), nullable=False),
        Column("heartbeat", Float, nullable=False),
    )
    op.create_table(
        "used",
        Column("nonce", String(80), primary_key=True),
        Column("at", Float, nullable=False),
    )
