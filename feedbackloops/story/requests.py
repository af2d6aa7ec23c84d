"""The request of an attempt, made again from what is kept of it; and one that is made now, for a command line."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from feedbackloops.calls import Contents, Script, call_for
from feedbackloops.models import Attempt, FeedbackLoop, ScriptVersion
from feedbackloops.protocol import signing
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


def request_of(attempt: Attempt, loop: FeedbackLoop | None, contents: Contents) -> RequestShown | None:
    """The attempt's request, its URL without the query; None where nothing is left that says how it was written.

    Raises TypeError or ValueError for an event that can't be sent.
    """
    version: ScriptVersion | None = attempt.version if attempt.version_id else None
    notes = _notes(attempt, loop, version)
    if version is None:
        if loop is None or not loop.secret:
            return None
        version = _as_of_today(loop)
    script, known = _script_of(attempt, version, loop)
    content_type, body = contents.body(version.body_format)
    target = parse(version.url)
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
    path = url_shown(target.request_target)
    return RequestShown(f"POST {path} HTTP/1.1", _headers(fields, version, known), version.body_format, notes)


def command_for(attempt: Attempt | None, loop: FeedbackLoop, contents: Contents, now: datetime) -> str:
    """A curl command that sends the event as a call of this moment, freshly signed; empty where it would be too long.

    It has the whole URL, and no secret. Raises TypeError or ValueError for an event that can't be sent.
    """
    number = attempt.number if attempt else 1
    call = call_for(Script.from_loop(loop), contents, number, now=now)
    # Of a body with NUL a command line would lose the rest; both formats write it as an escape.
    lines = [f"curl -i -X POST {shlex.quote(call.url)}"]
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in call.headers if name not in _MADE_BY_CURL]
    lines += [f"--data-raw {shlex.quote((call.body or b'').decode())}"]
    command = " \\\n  ".join(lines)
    return command if len(command.encode()) <= LONGEST_COMMAND else ""


def _as_of_today(loop: FeedbackLoop) -> ScriptVersion:
    script = Script.from_loop(loop)
    rsa = script.rsa
    return ScriptVersion(
        url=loop.url,
        body_format=loop.body_format,
        user_agent=settings.USER_AGENT,
        secrets=[signing.secret_mark(secret) for secret in script.secrets],
        rsa_key_id=rsa.key_id if rsa else "",
        rsa_key=rsa.mark if rsa else "",
    )


def _script_of(
    attempt: Attempt, version: ScriptVersion, loop: FeedbackLoop | None
) -> tuple[Script, list[bytes | None]]:
    """The script of then with the keys that are still there, and for each secret of then itself, or None."""
    now = Script.from_loop(loop) if loop and loop.secret else None
    marked = {signing.secret_mark(secret): secret for secret in (now.secrets if now else ())}
    known = [marked.get(mark) for mark in version.secrets]
    rsa = now.rsa if now and now.rsa and now.rsa.mark == version.rsa_key else None
    if rsa:
        rsa = replace(rsa, key_id=version.rsa_key_id)
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


def _notes(attempt: Attempt, loop: FeedbackLoop | None, version: ScriptVersion | None) -> list[str]:
    notes = []
    if version is None:
        notes.append(_("How the loop was set then was not kept. This is what it would send as it is set today."))
        return notes
    if version.user_agent != settings.USER_AGENT:
        notes.append(
            _("Sent by %(then)s, and put together again by %(now)s: the body may differ where the two do.")
            % {"then": version.user_agent, "now": settings.USER_AGENT}
        )
    marks = _marks(loop)
    if not set(version.secrets) <= marks:
        notes.append(_replaced(loop))
    if loop and loop.url != version.url:
        notes.append(_("The loop's URL was changed since."))
    if loop and loop.body_format != version.body_format:
        notes.append(_("The loop's body format was changed since."))
    return notes


def _marks(loop: FeedbackLoop | None) -> set[str]:
    secrets = Script.from_loop(loop).secrets if loop and loop.secret else ()
    return {signing.secret_mark(secret) for secret in secrets}


def _replaced(loop: FeedbackLoop | None) -> str:
    if loop is None:
        return _("The loop is gone, and its secret with it: what follows from that can't be told any more.")
    if loop.secret_rotated:
        return _(
            "The secret that it was signed with was replaced (%(when)s): its signature can't be told any more."
        ) % {"when": when(loop.secret_rotated)}
    return _("The secret that it was signed with is no longer there: its signature can't be told any more.")
