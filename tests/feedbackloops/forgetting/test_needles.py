import html
import json
from time import perf_counter
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import pytest
from django.db import connection

from feedbackloops.forgetting import screening
from feedbackloops.forgetting.needles import AT_ONCE, names, patterns, screens
from tests.promptness import within

ADDRESS = "ann+news@example.com"
ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
FOUND = [
    ADDRESS,
    ADDRESS.upper(),
    f"To: <{ADDRESS}>, you",
    f"recipient={'ann%2Bnews%40example.com'}&tags[]=a",
    "%3Cann%2bnews%40example.com%3E",
    f'{{"mime": "To:\\n{ADDRESS}"}}',
    f"Mail to {ADDRESS}. Thank you",
    f"id={ID}",
    ID.hex.upper(),
    f"id%3D{ID.hex}",
    f"id%3D{ID}af",
]
OTHERS = [
    f"jo{ADDRESS}",
    f"jo.{ADDRESS}",
    f"{ADDRESS}.au",
    f"{ADDRESS}m",
    "annXnews@example.com",
    "ann@example.com",
    "",
]


ESCAPED = [
    "text=no+such+user+ann%2Bnews%40example.com",
    f"\u201c{ADDRESS}\u201d",
    f"\u00c4\u00a0{ADDRESS}",
    f'{{"error":"\\u003c{ADDRESS}\\u003e"}}',
    f'{{"error":"\\u201c{ADDRESS}"}}',
    f'{{"inner":"{{\\"error\\":\\"\\\\u003c{ADDRESS}"}}',
    f"\\x3c{ADDRESS}",
    f"__{ADDRESS}__",
    f"-{ADDRESS}",
    f"...{ADDRESS}",
    f"mailto=-{ADDRESS}--",
    f"\u201c.{ADDRESS}",
    "ann+news\\u0040example.com",
    "ann+news&#64;example.com",
    "ann+news=40example.com",
]
STRANGE = [
    "j\u00f6rg@example.com",
    "stra\u00dfe@ex\u00e4mple.com",
    "back\\slash@example.com",
    "o'brien@example.com",
    "a&b@example.com",
    'a"b@example.com',
    "x{2}y@example.com",
    "a#b@example.com",
    "\u0130.x@example.com",
]


def found(text: str) -> bool:
    (pattern,) = patterns([ADDRESS], [ID])
    return found_by(pattern, text)


def found_by(pattern: str, text: str, address: str = ADDRESS) -> bool:
    return answered("%(said)s::text", text, pattern, address)


def in_bytes(pattern: str, octets: bytes, address: str = ADDRESS) -> bool:
    return answered("encode(%(said)s, 'escape')", octets, pattern, address)


def answered(text: str, said: str | bytes, pattern: str, address: str) -> bool:
    """Whether PostgreSQL finds it, and finds it as well when it asks in cheap ways first."""
    given: dict[str, Any] = {"said": said, "pattern": pattern, "screens": screens([address]), "ids": [ID.hex]}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {text} ~* %(pattern)s, {screening.naming(text)}", given)
        whole, screened = cursor.fetchone()
    assert whole is screened
    return bool(whole)


@pytest.mark.django_db
@pytest.mark.parametrize("text", ESCAPED)
def test_what_stands_before_an_address_or_escapes_it_does_not_hide_it(text: str) -> None:
    (pattern,) = patterns([ADDRESS])
    assert found_by(pattern, text)
    assert in_bytes(pattern, text.encode())
    assert names([pattern], text)


@pytest.mark.django_db
@pytest.mark.parametrize("address", STRANGE)
def test_unusual_addresses_are_found_however_they_are_written(address: str) -> None:
    (pattern,) = patterns([address.lower()])
    said = f"no <{address}>"
    dumped = json.dumps({"error": said})
    for text in (said, dumped, json.dumps(dumped), html.escape(said), quote(said), urlencode({"a": said})):
        assert found_by(pattern, text, address), text
        assert in_bytes(pattern, text.encode(), address), text
        assert names([pattern], text), text
    assert in_bytes(pattern, said.upper().replace("STRASSE", "STRA\u00dfE").encode(), address)
    assert names([pattern], said.encode().decode("latin-1"))


def test_an_address_is_found_with_the_name_that_its_domain_has_in_the_dns() -> None:
    assert names(patterns(["ann@ex\u00e4mple.com"]), "To: ann@xn--exmple-cua.com")


def test_a_long_text_that_nearly_names_somebody_takes_no_long_time() -> None:
    text = "ann+news" * 20_000 + "\\" * 100_000 + "@example.co"
    start = perf_counter()
    assert not names(patterns([ADDRESS, "back\\slash@example.com"]), text)
    assert perf_counter() - start < 2


@pytest.mark.django_db
@pytest.mark.parametrize("text", FOUND)
def test_what_names_a_person_is_found_alike_in_the_database_and_outside(text: str) -> None:
    assert found(text)
    assert names(patterns([ADDRESS], [ID]), text)


@pytest.mark.django_db
@pytest.mark.parametrize("text", OTHERS)
def test_what_names_somebody_else_is_not(text: str) -> None:
    assert not found(text)
    assert not names(patterns([ADDRESS], [ID]), text)


@pytest.mark.django_db
def test_a_text_that_names_nobody_costs_the_same_however_many_mails_the_person_had() -> None:
    (pattern,) = patterns([ADDRESS], [UUID(int=number) for number in range(100)])
    ids = [UUID(int=number).hex for number in range(100)]
    given: dict[str, Any] = {"pattern": pattern, "screens": screens([ADDRESS]), "ids": ids}
    with connection.cursor() as cursor, within(2):
        cursor.execute(
            "CREATE TEMPORARY TABLE said AS SELECT repeat(md5(n::text), 40) AS said FROM generate_series(1, 2000) n"
        )
        cursor.execute(f"SELECT count(*) FROM said WHERE {screening.naming('said')}", given)
        assert cursor.fetchone() == (0,)


def test_many_ids_are_looked_for_in_parts() -> None:
    ids = [UUID(int=number) for number in range(AT_ONCE)]
    parts = list(patterns([], ids))
    assert len(parts) == 2
    assert all(names(parts, str(id)) for id in ids)
    assert list(patterns([], [])) == []
