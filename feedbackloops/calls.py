"""From a delivery to the call that makes its next attempt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Self
from uuid import UUID

from django.conf import settings

from feedbackloops.encryption import decrypt
from feedbackloops.lanes import LaneFacts
from feedbackloops.models import BodyFormat, FeedbackLoop
from feedbackloops.outbound.calls import Call
from feedbackloops.protocol import payload, signing
from feedbackloops.protocol.narrowing import Narrowing
from feedbackloops.protocol.payload import EventFacts


@dataclass(frozen=True, slots=True)
class Script:
    """Where a loop's calls go, and how they are written and signed."""

    loop: int
    account: int
    url: str
    body_format: str
    secrets: tuple[bytes, ...] = field(repr=False)
    rsa: signing.RsaSigner | None = None
    narrowing: Narrowing | None = None
    # The number of its ScriptVersion, where an engine has it written down.
    version: int | None = field(default=None, compare=False)

    @classmethod
    def from_facts(cls, facts: LaneFacts) -> Self:
        """The script of a lane, whose secrets are as the table holds them."""
        secrets = _secrets(facts.secret, facts.previous_secret)
        rsa = _rsa_signer(facts.rsa_private_key, facts.rsa_key_id)
        narrowing = Narrowing.of(facts.only_fields, facts.left_out)
        return cls(facts.loop, facts.account, facts.url, facts.body_format, secrets, rsa, narrowing)

    @classmethod
    def from_loop(cls, loop: FeedbackLoop) -> Self:
        """The script of a loop, whose secrets were decrypted when it was loaded."""
        secrets = tuple(signing.decode_secret(each) for each in (loop.secret, loop.previous_secret) if each)
        rsa = signing.rsa_signer(loop.rsa_private_key, loop.rsa_key_id) if loop.rsa_private_key else None
        narrowing = Narrowing.of(loop.only_fields, loop.left_out)
        return cls(loop.pk, loop.account_id, loop.url, loop.body_format, secrets, rsa, narrowing)


@dataclass(slots=True, eq=False)
class Contents:
    """What calls say of an event: its facts and its snapshot. Loops that want the same share the body."""

    event: EventFacts
    snapshot: dict[str, Any]
    is_test: bool = False
    _bodies: dict[str | tuple[str, Narrowing], tuple[str, bytes]] = field(default_factory=dict, init=False, repr=False)

    def body(self, body_format: str, narrowing: Narrowing | None = None) -> tuple[str, bytes]:
        """The content type and the body. Raises TypeError or ValueError for what can't be put on the wire."""
        key = (body_format, narrowing) if narrowing else body_format
        if key not in self._bodies:
            self._bodies[key] = self._write(body_format, narrowing)
        return self._bodies[key]

    def fields(self, narrowing: Narrowing | None = None) -> dict[str, Any]:
        """The fields of the contract that a body has."""
        fields = payload.build(self.event, self.snapshot)
        return narrowing.narrowed(fields) if narrowing else fields

    def _write(self, body_format: str, narrowing: Narrowing | None) -> tuple[str, bytes]:
        fields = self.fields(narrowing)
        if body_format == BodyFormat.JSON:
            return payload.JSON_TYPE, payload.json_body(fields)
        return payload.FORM_TYPE, payload.form(fields)


def call_for(
    script: Script,
    contents: Contents,
    attempt: int = 1,
    *,
    now: datetime,
    tag: Any = None,
    may_start: Callable[[], bool] | None = None,
    can_wait: bool = False,
    id: UUID | None = None,
) -> Call:
    """The signed call of an attempt (from 1). Raises TypeError or ValueError, saying why the event can't be sent.

    Of an attempt whose `id` is known, the nonce follows from that, so that the same call can be made again.
    """
    content_type, body = contents.body(script.body_format, script.narrowing)
    nonce = signing.nonce_for(script.secrets[0], id.bytes) if id and script.secrets else signing.new_nonce()
    request = signing.SignedRequest(
        url=script.url,
        content_type=content_type,
        body=body,
        webhook_id=str(contents.event.id),
        account=script.account,
        attempt=attempt,
        secrets=script.secrets,
        rsa=script.rsa,
        is_test=contents.is_test,
    )
    return Call(
        url=script.url,
        headers=signing.headers(request, now=now, nonce=nonce, user_agent=settings.USER_AGENT),
        body=body,
        loop=script.loop,
        deadline=settings.ANSWER_SECONDS,
        connect_timeout=settings.CONNECT_SECONDS,
        tag=tag,
        may_start=may_start,
        can_wait=can_wait,
    )


def contents_of_test(event_type: str, id: UUID, now: datetime, fields: Mapping[str, Any]) -> Contents:
    """The contents of a test call: an event of this type, with this id, of which these fields of the contract tell."""
    return Contents(EventFacts(id, event_type, now, fields), {}, is_test=True)


# Decrypting costs as much as signing, so keys are kept, by what the table holds.
@lru_cache(maxsize=2048)
def _secrets(secret: str, previous: str) -> tuple[bytes, ...]:
    return tuple(signing.decode_secret(decrypt(stored)) for stored in (secret, previous) if stored)


@lru_cache(maxsize=2048)
def _rsa_signer(private_key: str, key_id: str) -> signing.RsaSigner | None:
    return signing.rsa_signer(decrypt(private_key), key_id) if private_key else None
