"""Idempotency keys: a POST that comes again does what it did once, and gets the answer that it got."""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from psycopg.errors import LockNotAvailable

from api.models import ApiToken, KeptAnswer
from api.problems import Problem

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
KEPT_FOR: Final = timedelta(days=1)
LONGEST: Final = 255
# A twin that comes while the first one is being done waits for its answer so long, and not longer.
WAIT_MS: Final = 5_000

_ANOTHER: Final = (
    "This idempotency key came with another request before. Send each request with a key of its own, and the same key "
    "only with the same request."
)
_STILL: Final = "The request with this idempotency key is still being done. Send it again in a moment."


def once(request: HttpRequest, token: ApiToken, act: Callable[[], HttpResponse]) -> HttpResponse:
    """Do what a POST says, unless it was done before; in one transaction with the note that it was.

    A request that fails leaves no note: it may come again with the same key. Raises Problem.
    """
    key = _key_in(request)
    with transaction.atomic():
        if not key:
            return act()
        kept = _claim(token, key, _digest(request))
        if kept.status:
            return HttpResponse(
                bytes(kept.body), status=kept.status, content_type="application/json", headers={REPLAYED: "true"}
            )
        response = act()
        KeptAnswer.objects.filter(pk=kept.pk).update(status=response.status_code, body=response.content)
        return response


def forget_old(moment: datetime) -> int:
    """Delete the answers that were kept for long enough; how many."""
    deleted, _ = KeptAnswer.objects.filter(created__lt=moment - KEPT_FOR).delete()
    return deleted


def _key_in(request: HttpRequest) -> str:
    key = request.headers.get(HEADER, "").strip()
    if len(key) > LONGEST or not key.isprintable():
        words = f"An idempotency key is a text of up to {LONGEST} printable characters, such as a UUID."
        raise Problem(HTTPStatus.BAD_REQUEST, words)
    return key


def _digest(request: HttpRequest) -> bytes:
    parts = [str(request.method).encode(), request.get_full_path().encode("utf-8", "replace"), request.body]
    return sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()


def _claim(token: ApiToken, key: str, digest: bytes) -> KeptAnswer:
    """The note of this key, new or as it was left. Whoever claims it at the same time waits here for our commit."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = %s", [WAIT_MS])
            KeptAnswer.objects.bulk_create([KeptAnswer(token=token, key=key, request=digest)], ignore_conflicts=True)
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise Problem(HTTPStatus.CONFLICT, _STILL, headers={"Retry-After": "1"}) from error
        raise
    kept = KeptAnswer.objects.get(token=token, key=key)
    if bytes(kept.request) != digest:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, _ANOTHER, [(f"header.{HEADER}", _ANOTHER)])
    return kept
