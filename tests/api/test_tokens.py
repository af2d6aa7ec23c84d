from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils.timezone import now

from api.models import ApiToken
from api.tokens import make_token, revoke
from profiles.models import Account
from tests.api.program import Program, problem, told


def test_a_token_opens_the_api_for_its_account(program: Program) -> None:
    assert told(program.get("/databases")) == {"items": [], "next": None}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer mstoken_wrong", "Basic YTpi", "mstoken_x"])
def test_without_a_good_token_nothing_is_told(db: None, header: str | None) -> None:
    response = Client().get("/api/v1/databases", headers={"Authorization": header} if header is not None else {})
    assert "token" in problem(response, 401)["detail"]
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_that_is_revoked_or_has_expired_opens_nothing(account: Account, program: Program) -> None:
    late = Program(account, expires=now() + timedelta(hours=1))
    told(late.get("/databases"))
    ApiToken.objects.filter(pk=late.token.pk).update(expires=now() - timedelta(seconds=1))
    problem(late.get("/databases"), 401)
    assert revoke(program.token, now())
    problem(program.get("/databases"), 401)
    assert not revoke(program.token, now())


def test_a_token_opens_what_its_scopes_say_and_no_more(account: Account) -> None:
    reader = Program(account, ["databases:read"])
    told(reader.get("/databases"))
    response = reader.post("/databases", {"name": "New"})
    assert "databases:write" in problem(response, 403)["detail"]
    assert 'scope="databases:write"' in response.headers["WWW-Authenticate"]
    assert not account.databases.exists()


def test_the_token_itself_is_kept_nowhere(program: Program) -> None:
    told(program.get("/databases"))
    (row,) = ApiToken.objects.filter(pk=program.token.pk).values()
    assert program.text not in str(row)
    assert program.text.startswith("mstoken_")
    assert len(program.text) > 40
    assert bytes(row["digest"]) != program.text.encode()


def test_when_a_token_was_last_used_is_noted_to_the_minute(program: Program) -> None:
    told(program.get("/databases"))
    first = ApiToken.objects.get().last_used
    assert first
    told(program.get("/databases"))
    assert ApiToken.objects.get().last_used == first
    ApiToken.objects.update(last_used=first - timedelta(minutes=2))
    told(program.get("/databases"))
    assert ApiToken.objects.get().last_used > first - timedelta(minutes=1)  # type: ignore[operator]


@pytest.mark.parametrize("scopes", [[], ["everything"]])
def test_a_token_has_scopes_that_there_are(account: Account, scopes: list[str]) -> None:
    with pytest.raises(ValidationError):
        make_token(account, "Wrong", scopes)
