"""The tables of the store. Times are seconds since the epoch, digests hexadecimal; texts may come from a screen."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

__all__ = [
    "METADATA",
    "REVISION",
    "decisions",
    "escalations",
    "frames",
    "hands",
    "jobs",
    "links",
    "listeners",
    "operators",
    "requests",
    "runs",
    "sessions",
    "used",
]

REVISION = "0002"
"""The newest migration; `agent.store.migrations` brings a store there."""
METADATA = MetaData()

runs = Table(
    "runs",
    METADATA,
    Column("id", String(120), primary_key=True),
    Column("machine", String(120), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("task", Text, nullable=False),
    Column("goal", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("state", String(12), nullable=False),  # running, ended
    Column("stage", String(20), nullable=False, server_default=""),
    Column("doing", Text, nullable=False, server_default=""),
    Column("steps", Integer, nullable=False, server_default="0"),
    Column("outcome", String(20), nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default=""),
    Column("started_at", Float, nullable=False),
    Column("heartbeat", Float, nullable=False),
    Column("ended_at", Float),
    Column("stop_by", Text, nullable=False, server_default=""),
    Column("driver", Text, nullable=False, server_default=""),  # the person who drives it; empty: the agent
    Column("frame", String(64), nullable=False, server_default=""),
    Column("broker_key", String(64), nullable=False, server_default=""),
)

frames = Table(
    "frames",
    METADATA,
    Column("run", String(120), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("png", LargeBinary, nullable=False),
    Column("at", Float, nullable=False),
)

requests = Table(
    "requests",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("run", String(120), nullable=False),
    Column("made_at", Float, nullable=False),
    Column("expires_at", Float),  # none: it waits
    Column("on_timeout", String(4), nullable=False),
    Column("state", String(10), nullable=False),  # open, decided, expired, withdrawn
    Column("card", Text, nullable=False),  # JSON; the digest is over exactly this text
    Column("digest", String(64), nullable=False),
    Column("frame", String(64), nullable=False, server_default=""),
    Column("assigned", String(80), nullable=False, server_default=""),
    Index("requests_state", "state", "made_at"),
    Index("requests_run", "run"),
)

decisions = Table(
    "decisions",
    METADATA,
    Column("request", String(32), ForeignKey("requests.id"), primary_key=True),  # at most one for each request
    Column("answer", String(10), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", Float, nullable=False),
    Column("channel", String(10), nullable=False),  # console, terminal, webhook
    Column("body", Text, nullable=False),  # what was signed
    Column("signature", String(128), nullable=False),
    Column("taken_at", Float),  # when the run's broker took it
    Column("came_of_it", Text, nullable=False, server_default=""),
)

escalations = Table(
    "escalations",
    METADATA,
    Column("n", Integer, primary_key=True, autoincrement=True),
    Column("request", String(32), ForeignKey("requests.id"), nullable=False),
    Column("by", String(80), nullable=False),
    Column("to", String(80), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Float, nullable=False),
)

hands = Table(
    "hands",
    METADATA,
    Column("n", Integer, primary_key=True, autoincrement=True),
    Column("run", String(120), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", Float, nullable=False),
    Column("action", Text, nullable=False),  # JSON of one action
    Column("seen", String(64), nullable=False),  # the frame that the person was looking at
    Column("came_of_it", Text),  # none: not done yet
    Index("hands_run", "run", "n"),
)

operators = Table(
    "operators",
    METADATA,
    Column("name", String(80), primary_key=True),
    Column("role", String(10), nullable=False),  # viewer, approver, admin
    Column("password", Text, nullable=False, server_default=""),  # scrypt; empty: none can come in by password
    Column("made_at", Float, nullable=False),
    Column("disabled_at", Float),
)

sessions = Table(
    "sessions",
    METADATA,
    Column("token", String(64), primary_key=True),  # SHA-256 of what the cookie holds
    Column("operator", String(80), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("made_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
)

links = Table(
    "links",
    METADATA,
    Column("token", String(64), primary_key=True),  # SHA-256 of what the link holds
    Column("operator", String(80), nullable=False),
    Column("role", String(10), nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("used_at", Float),
)

listeners = Table(
    "listeners",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("kind", String(10), nullable=False),  # console, terminal
    Column("machine", String(120), nullable=False),
    Column("origin", Text, nullable=False, server_default=""),
    Column("key", String(64), nullable=False),  # public, hexadecimal: whose decisions come from there
    Column("heartbeat", Float, nullable=False),
)

jobs = Table(
    "jobs",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("n", Integer, nullable=False),  # the order in which they are taken
    Column("key", String(64), nullable=False),  # equal for the same undertaking (`agent.earlier.run_key`)
    Column("name", Text, nullable=False),
    Column("words", Text, nullable=False),  # JSON: the arguments of `agent` that start it
    Column("inputs", Text, nullable=False),  # JSON
    Column("root", Text, nullable=False),  # folder of its runs
    Column("retries", Integer, nullable=False),
    Column("made_at", Float, nullable=False),
    Column("not_before", Float, nullable=False, server_default="0"),
    Column("state", String(10), nullable=False),  # waiting, leased, ended, doubt, cancelled
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("holder", String(160), nullable=False, server_default=""),
    Column("machine", String(120), nullable=False, server_default=""),  # where it was begun
    Column("lease", Integer, nullable=False, server_default="0"),  # counts up: whoever holds an older one has lost it
    Column("lease_until", Float, nullable=False, server_default="0"),
    Column("begun_at", Float),  # when a process was first started for it; none: nothing of it can have been done
    Column("cancel_by", Text, nullable=False, server_default=""),
    Column("run", String(120), nullable=False, server_default=""),
    Column("outcome", String(20), nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default=""),
    Column("outputs", Text, nullable=False, server_default="{}"),
    Column("ended_at", Float),
    Index("jobs_state", "state", "n"),
    Index("jobs_key", "key"),
)

used = Table(
    "used",
    METADATA,
    Column("nonce", String(80), primary_key=True),  # of an answer that came in; a second one with it is a replay
    Column("at", Float, nullable=False),  # of a question that goes out: when somebody began to post it
)
