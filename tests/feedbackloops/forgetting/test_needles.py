from uuid import UUID

import pytest
from django.db import connection

from feedbackloops.forgetting.needles import AT_ONCE, names, patterns

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


def found(text: str) -> bool:
    with connection.cursor() as cursor:
        (pattern,) = patterns([ADDRESS], [ID])
        cursor.execute("SELECT %s ~* %s", [text, pattern])
        return bool(cursor.fetchone()[0])


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


def test_many_ids_are_looked_for_in_parts() -> None:
    ids = [UUID(int=number) for number in range(AT_ONCE)]
    parts = list(patterns([], ids))
    assert len(parts) == 2
    assert all(names(parts, str(id)) for id in ids)
    assert list(patterns([], [])) == []
