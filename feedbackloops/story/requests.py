"""The request of an attempt, made again from what is kept of it; and one that is made now, for a command line."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple, Self

from django.conf import settings
from django.utils.translation import gettext as _

from feedbackloops.calls import Contents, Script, call_for
from feedbackloops.models import Attempt, FeedbackLoop, ScriptVersion
from feedbackloops.protocol import signing
from feedbackloops.protocol.narrowing import Narrowing
from feedbackloops.protocol.place import parse
from feedbackloops.words import url_shown
from profiles.showing import when

# What a command line takes as one argument is 128 KiB on Linux.
LONGEST_COMMAND: Final = 100_000
_MADE_BY_CURL: Final = frozenset({"Host", "Content-Length"})
_NOT_KNOWN: Final = "…"


class Header(NamedTuple):
    """A line of the head. `is_known`: False where it can't be told any more."""

    name: str
    value: str
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class RequestShown:
    """What an attempt sent, or would have. `notes`: what is not certain about it, in sentences."""

    line: str
    headers: list[Header]
    body_format: str
    notes: list[str]
    narrowing: Narrowing | None = None


class Today(NamedTuple):
    """A loop as it is set now, with its keys read once: reading an RSA key takes tens of milliseconds."""

    loop: FeedbackLoop
    script: Script

    @classmethod
    def of(cls, loop: FeedbackLoop | None) -> Self | None:
        """The loop of today; None where it is gone, or its keys are none that calls can be signed with."""
        try:
            return cls(loop, Script.from_loop(loop)) if loop and loop.secret else None
        except ValueError:
            return None


def request_of(attempt: Attempt, today: Today | None, contents: Contents) -> RequestShown | None:
    """The attempt's request, its URL without the query; None where nothing is left that says how it was written.

    Raises TypeError or ValueError for an event that can't be sent.
    """
    kept: ScriptVersion | None = attempt.version if attempt.version_id else None
    version = kept or (_as_of_today(today.script) if today else None)
    if version is None:
        return None
    script, known = _script_of(attempt, version, today)
    narrowing = Narrowing.from_json(version.narrowing)
    content_type, body = contents.body(version.body_format, narrowing)
    request = signing.SignedRequest(
        version.url,
        content_type,
        body,
        str(contents.event.id),
        attempt.account_id,
        attempt.number,
        script.secrets or (bytes(32),),
        script.rsa,
        contents.is_test,
    )
    nonce = signing.nonce_for(request.secrets[0], attempt.id.bytes)
    fields = signing.headers(request, now=attempt.started, nonce=nonce, user_agent=version.user_agent)
    line = f"POST {url_shown(parse(version.url).request_target)} HTTP/1.1"
    return RequestShown(line, _headers(fields, version, known), version.body_format, _notes(kept, today), narrowing)


def command_for(attempt: Attempt | None, today: Today, contents: Contents, now: datetime) -> str:
    """A curl command that sends the event as a call of this moment, freshly signed; empty where it would be too long.

    It has the whole URL, and no secret. Raises TypeError or ValueError for an event that can't be sent.
    """
    call = call_for(today.script, contents, attempt.number if attempt else 1, now=now)
    # Of a body with NUL a command line would lose the rest; both formats write it as an escape.
    lines = [f"curl -i -X POST {shlex.quote(call.url)}"]
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in call.headers if name not in _MADE_BY_CURL]
    lines += [f"--data-raw {shlex.quote((call.body or b'').decode())}"]
    command = " \\\n  ".join(lines)
    return command if len(command.encode()) <= LONGEST_COMMAND else ""


def _as_of_today(script: Script) -> ScriptVersion:
    rsa = script.rsa
    return ScriptVersion(
        url=script.url,
        body_format=script.body_format,
        user_agent=settings.USER_AGENT,
        secrets=[signing.secret_mark(secret) for secret in script.secrets],
        rsa_key_id=rsa.key_id if rsa else "",
        rsa_key=rsa.mark if rsa else "",
        narrowing=script.narrowing.to_json() if script.narrowing else {},
    )


def _script_of(attempt: Attempt, version: ScriptVersion, today: Today | None) -> tuple[Script, list[bytes | None]]:
    """The script of then with the keys that are still there, and for each secret of then itself, or None."""
    marked = {signing.secret_mark(secret): secret for secret in (today.script.secrets if today else ())}
    known = [marked.get(mark) for mark in version.secrets]
    rsa = today.script.rsa if today else None
    rsa = replace(rsa, key_id=version.rsa_key_id) if rsa and rsa.mark == version.rsa_key else None
    secrets = tuple(secret for secret in known if secret)
    return Script(attempt.loop_id, attempt.account_id, version.url, version.body_format, secrets, rsa), known


def _headers(fields: Sequence[tuple[str, str]], version: ScriptVersion, known: Sequence[bytes | None]) -> list[Header]:
    # The nonce follows from the first secret, and the RSA signature covers the nonce.
    lost = set() if known and known[0] else {"X-Nonce", "Signature"}
    shown = [
        _signature(value, known)
        if name == "webhook-signature"
        else Header(name, _NOT_KNOWN, is_known=False)
        if name in lost
        else Header(name, value)
        for name, value in fields
    ]
    if version.rsa_key and all(header.name != "Signature" for header in shown):
        shown.append(Header("Signature", _NOT_KNOWN, is_known=False))
    return shown


def _signature(value: str, known: Sequence[bytes | None]) -> Header:
    made = iter(value.split(" "))
    parts = [next(made) if secret else f"v1,{_NOT_KNOWN}" for secret in known]
    return Header("webhook-signature", " ".join(parts), is_known=bool(known) and all(known))


def _notes(kept: ScriptVersion | None, today: Today | None) -> list[str]:
    if kept is None:
        return [_("How the loop was set then was not kept. This is what it would send as it is set today.")]
    notes = []
    if kept.user_agent != settings.USER_AGENT:
        words = _("Sent by %(then)s, and put together again by %(now)s: the body may differ where the two do.")
        notes.append(words % {"then": kept.user_agent, "now": settings.USER_AGENT})
    if not set(kept.secrets) <= {signing.secret_mark(secret) for secret in (today.script.secrets if today else ())}:
        notes.append(_replaced(today))
    if today and today.script.url != kept.url:
        notes.append(_("The loop's URL was changed since."))
    if today and today.script.body_format != kept.body_format:
        notes.append(_("The loop's body format was changed since."))
    if today and today.script.narrowing != Narrowing.from_json(kept.narrowing):
        notes.append(_("What the loop leaves out of its calls was changed since."))
    return notes


def _replaced(today: Today | None) -> str:
    if today is None:
        return _("The loop is gone, or its keys can't be used: what follows from them can't be told any more.")
    if rotated := today.loop.secret_rotated:
        words = _("The secret that it was signed with was replaced (%(when)s): its signature can't be told any more.")
        return words % {"when": when(rotated)}
    return _("The secret that it was signed with is no longer there: its signature can't be told any more.")
