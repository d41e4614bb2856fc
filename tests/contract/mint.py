"""Permits from a throw-away key, for tests of hands. The broker has its own tests."""

from __future__ import annotations

import itertools
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from actuators.action import Action
from actuators.observation import Target
from actuators.permit import Permit, Terms, Verifier, signed_bytes

RUN, POLICY = "run-1", "policy-1"


class Mint:
    """Signs anything it is asked to; `verifier` believes it."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._steps = itertools.count()

    def verifier(self) -> Verifier:
        return Verifier(self._key.public_key().public_bytes_raw(), RUN, POLICY)

    def permit(
        self, action: Action, target: Target, *, run: str = RUN, policy: str = POLICY, lives_s: float = 60.0
    ) -> Permit:
        step, now = next(self._steps), time.time()
        terms = Terms(
            run=run,
            step=step,
            action=action,
            target_digest=target.digest,
            seen_digest="",
            policy_digest=policy,
            nonce=f"nonce-{step}",
            not_before=now - 120,
            expires=now + lives_s,
        )
        body = terms.to_json()
        return Permit(body, self._key.sign(signed_bytes(body)))
