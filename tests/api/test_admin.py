"""Tokens in the dashboard."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils.timezone import now

from api.models import ApiToken
from profiles.models import Account
from tests.api.program import Program, problem, told
from tests.dashboard import opened, staff, submitted, text, url

RIGHTS = ["api.view_apitoken", "api.add_apitoken", "api.change_apitoken", "api.delete_apitoken"]


@pytest.fixture
def client(db: None) -> Client:
    return staff(*RIGHTS, "profiles.view_account")


def made(client: Client, account: Account, **typed: object) -> str:
    """The page that shows the token that was made."""
    form = {"account": account.pk, "name": "Web shop", "scopes": ["databases:read"], "expires_0": "", "expires_1": ""}
    return text(client.post(url("api_apitoken", "add"), form | typed))


def test_a_token_is_made_shown_once_and_opens_the_api(client: Client, account: Account, program: Program) -> None:
    page = made(client, account)
    program.text = page.partition("mstoken_")[1] + page.partition("mstoken_")[2].partition("<")[0]
    told(program.get("/databases"))
    problem(program.post("/databases", {"name": "No"}), 403)
    token = ApiToken.objects.get(name="Web shop")
    assert str(token) == f"Web shop (…{program.text[-4:]})"
    pages = [url("api_apitoken", "changelist"), url("api_apitoken", "change", token.pk), url("api_apitoken", "add")]
    pages += [url("api_apitoken", "history", token.pk), url("profiles_account", "change", account.pk)]
    assert not [address for address in pages if program.text in text(client.get(address))]
    assert "no-store" in client.post(url("api_apitoken", "add"), {}).headers["Cache-Control"]


def test_who_made_and_who_revoked_a_token_stands_in_its_log_and_in_that_of_the_account(
    client: Client, account: Account
) -> None:
    made(client, account)
    token = ApiToken.objects.get()
    client.post(url("api_apitoken", "revoke", token.pk))
    client.post(url("api_apitoken", "changelist"), {"action": "revoke", "_selected_action": [token.pk]})
    assert [str(each) for each in LogEntry.objects.filter(object_id=token.pk, content_type__model="apitoken")] == [
        f"Changed “{token}” — Revoked.",
        f"Added “{token}”.",
    ]
    about_account = LogEntry.objects.filter(object_id=account.pk, content_type__model="account")
    assert [each.change_message for each in about_account] == [
        f"Revoked the API token “{token}”.",
        f"Made the API token “{token}”.",
    ]
    assert token.created_by


def test_a_token_is_revoked_from_its_page_and_from_the_list(client: Client, account: Account) -> None:
    first, second = Program(account), Program(account)
    assert "opens nothing any more" in text(client.post(url("api_apitoken", "revoke", first.token.pk), follow=True))
    problem(first.get("/databases"), 401)
    chosen = {"action": "revoke", "_selected_action": [second.token.pk]}
    client.post(url("api_apitoken", "changelist"), chosen)
    problem(second.get("/databases"), 401)
    again = client.post(url("api_apitoken", "changelist"), chosen, follow=True)
    assert "done before" in text(again)


def test_only_who_may_change_tokens_revokes_them(account: Account, program: Program) -> None:
    reader = staff("api.view_apitoken")
    assert reader.post(url("api_apitoken", "revoke", program.token.pk)).status_code == 403
    assert reader.get(url("api_apitoken", "revoke", program.token.pk)).status_code == 405
    elsewhere = staff(*RIGHTS, accounts=[])
    assert elsewhere.post(url("api_apitoken", "revoke", program.token.pk)).status_code == 404
    told(program.get("/databases"))


def test_a_token_that_may_be_in_use_is_not_deleted(client: Client, program: Program) -> None:
    address = url("api_apitoken", "delete", program.token.pk)
    assert client.post(address, {"post": "yes"}).status_code == 403
    client.post(url("api_apitoken", "revoke", program.token.pk))
    client.post(address, {"post": "yes"})
    assert not ApiToken.objects.exists()


def test_a_token_does_not_expire_before_it_is_made(client: Client, account: Account) -> None:
    page = made(client, account, expires_0="2020-01-01", expires_1="00:00:00")
    assert "has passed" in page
    assert not ApiToken.objects.exists()


def test_the_scopes_of_a_token_can_be_changed_and_its_account_cannot(client: Client, program: Program) -> None:
    form = opened(client, "api_apitoken", program.token.pk)
    form["scopes"] = ["loops:read"]
    submitted(client, "api_apitoken", form, program.token.pk, account="0")
    program.token.refresh_from_db()
    assert (program.token.scopes, program.token.account) == (["loops:read"], program.account)


def test_the_page_of_an_account_lists_its_tokens_and_leads_to_a_new_one(client: Client, program: Program) -> None:
    Program(program.account, expires=now() + timedelta(days=1))
    ApiToken.objects.filter(pk=program.token.pk).update(revoked=now())
    page = text(client.get(url("profiles_account", "change", program.account.pk)))
    assert page.count("A program (") == 2
    assert "revoked" in page
    assert f"?account={program.account.pk}" in page
    assert "API tokens" not in text(
        staff("profiles.view_account").get(url("profiles_account", "change", program.account.pk))
    )


def test_who_makes_a_token_is_told_that_a_program_can_forget_people(client: Client) -> None:
    assert "With profiles:write it can also forget a person" in text(client.get(url("api_apitoken", "add")))
