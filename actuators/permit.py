"""Leave to act: a signed, single-use statement of exactly one action on exactly one target.

Only the broker (`policies.broker`) holds the key that signs. Where a person had to say yes, a second key, of whoever
asks people, has signed the same body: a permit that says it was approved and lacks that signature is refused. An
actuator holds the public keys and a `Verifier`, and carries out the action *inside* the permit, so that what was judged
is what happens.

What this does not protect against: hostile code inside the runtime's own process, which could replace the
verifier. The broker's separate process, the sandbox and the wire gate are the walls for that.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass

from actuators.action import Action, action_digest, parse_action

__all__ = ["Permit", "PermitRefused", "Terms", "Verifier", "approved_bytes", "signed_bytes"]

_DOMAIN = b"deskhand-permit-v1\n"
"""Prefix of the signed bytes, so that a signature made for anything else never verifies as a permit."""

_APPROVED = b"deskhand-approval-v1\n"


class PermitRefused(Exception):
    """A permit that does not allow this act now: forged, altered, expired, used, or for something else."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a permit says. Times are seconds since the epoch."""

    run: str
    step: int
    action: Action
    target_digest: str
    seen_digest: str
    """Digest of the frame the decision was made on; for the record."""
    policy_digest: str
    nonce: str
    not_before: float
    expires: float
    approved_by: str = ""
    """Who said yes; empty where nobody had to."""

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces."""
        body = {
            "v": 1,
            "run": self.run,
            "step": self.step,
            "action": self.action.model_dump(mode="json"),
            "action_digest": action_digest(self.action),
            "target_digest": self.target_digest,
            "seen_digest": self.seen_digest,
            "policy_digest": self.policy_digest,
            "nonce": self.nonce,
            "not_before": self.not_before,
            "expires": self.expires,
            "approved_by": self.approved_by,
        }
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def signed_bytes(body: str) -> bytes:
    """The bytes under the signature: a domain prefix and the body exactly as written."""
    return _DOMAIN + body.encode()


def approved_bytes(body: str) -> bytes:
    """The bytes under an approver's signature: the SHA-256 of the body, under a prefix of its own."""
    return _APPROVED + hashlib.sha256(signed_bytes(body)).digest()


@dataclass(frozen=True, slots=True)
class Permit:
    """A body (`Terms.to_json`) and an Ed25519 signature over `signed_bytes(body)`."""

    body: str
    signature: bytes
    approval: bytes = b""
    """The approver's own signature, over `approved_bytes(body)`; empty where nobody had to approve."""


class Verifier:
    """Checks permits for one run. Holds the broker's public key and every nonce already used.

    Args:
        public_key: 32 raw bytes, Ed25519.
        run: id of the run; permits for another are refused.
        policy_digest: digest of the policy the run was started with.
        approver_key: 32 raw bytes, Ed25519, of whoever asks people; without it no approved permit is taken.
    """

    def __init__(self, public_key: bytes, run: str, policy_digest: str, approver_key: bytes = b"") -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        self._key = Ed25519PublicKey.from_public_bytes(public_key)
        self._approver = Ed25519PublicKey.from_public_bytes(approver_key) if approver_key else None
        self._run = run
        self._policy_digest = policy_digest
        self._used: set[str] = set()
        self._last_step = -1

    def accept(self, permit: Permit) -> Terms:
        """Check and use up a permit; the same one is refused from then on.

        Raises:
            PermitRefused: with the reason.
        """
        terms = self._read(permit)
        if terms.approved_by and not self._approved(permit):
            raise PermitRefused("permit says that it was approved, and its approver has not signed it")
        now = time.time()
        if terms.run != self._run:
            raise PermitRefused("permit is for another run")
        if terms.policy_digest != self._policy_digest:
            raise PermitRefused("permit was made under another policy")
        if terms.step < self._last_step:
            raise PermitRefused("permit is for an earlier step")
        if not terms.not_before <= now < terms.expires:
            raise PermitRefused("permit is not valid at this time")
        if terms.nonce in self._used:
            raise PermitRefused("permit was used already")
        self._used.add(terms.nonce)
        self._last_step = terms.step
        return terms

    def _approved(self, permit: Permit) -> bool:
        from cryptography.exceptions import InvalidSignature

        if self._approver is None:
            return False
        try:
            self._approver.verify(permit.approval, approved_bytes(permit.body))
        except (InvalidSignature, TypeError, ValueError):
            return False
        return True

    def _read(self, permit: Permit) -> Terms:
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(permit.signature, signed_bytes(permit.body))
        except (InvalidSignature, TypeError, ValueError):
            raise PermitRefused("permit is not signed by this run's broker") from None
        try:
            body = json.loads(permit.body)
            action = parse_action(body["action"])
            if body["v"] != 1 or body["action_digest"] != action_digest(action):
                raise PermitRefused("permit does not match its own action")
            return Terms(
                run=body["run"],
                step=body["step"],
                action=action,
                target_digest=body["target_digest"],
                seen_digest=body["seen_digest"],
                policy_digest=body["policy_digest"],
                nonce=body["nonce"],
                not_before=body["not_before"],
                expires=body["expires"],
                approved_by=body["approved_by"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise PermitRefused(f"permit body is malformed: {type(error).__name__}") from None
