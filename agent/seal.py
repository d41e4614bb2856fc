"""How a trail is sealed by the broker of its run."""

from __future__ import annotations

from agent.audit.journal import Sign
from policies.broker import Broker
from policies.checkpoint import CheckpointRefused

__all__ = ["sealed_by"]


def sealed_by(broker: Broker) -> Sign:
    """The broker's signature as a trail asks for it; a refusal becomes the trail's own error."""

    def sign(run: str, n: int, root: bytes) -> bytes:
        try:
            return broker.sign(run, n, root.hex())
        except CheckpointRefused as refused:
            raise ValueError(str(refused)) from None

    return sign
