"""Everything that can stop a run from outside its own decisions: each is one line for the person who runs it."""

from __future__ import annotations

from actuators.errors import SurfaceError
from agent.alerts import AlertsUnusable
from agent.audit.journal import TrailBroken
from agent.prices import PricesUnusable
from agent.run_folder import RunFolderUnwritable
from agent.sites import SiteError
from agent.store.where import KeyUnusable, StoreUnusable
from model.base import ModelError
from policies.broker import BrokerLost
from policies.rule import PolicyUnusable
from policies.secrets import SecretMissing
from sandboxes.base import SandboxUnavailable

__all__ = ["MACHINERY", "MISUSE"]

MACHINERY: tuple[type[Exception], ...] = (
    BrokerLost,
    ModelError,
    RunFolderUnwritable,
    SandboxUnavailable,
    SiteError,
    SurfaceError,
    TrailBroken,
)
"""Something broke or is missing on this machine: exit code 1."""
MISUSE: tuple[type[Exception], ...] = (
    AlertsUnusable,
    KeyUnusable,
    PolicyUnusable,
    PricesUnusable,
    SecretMissing,
    StoreUnusable,
)
"""Something was asked for that cannot be: exit code 2, nothing was started."""
