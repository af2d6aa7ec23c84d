"""The histories of one account, found through its loops."""

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from feedbackloops.models import Attempt, Delivery
from tests.dashboard import plans, staff, text, url
from tests.factories import make_account, make_message, make_verified_loop, owe
from tracking.ids import derived_id
from tracking.models import Message

pytestmark = pytest.mark.django_db

DELIVERIES, ATTEMPTS = "feedbackloops_delivery", "feedbackloops_attempt"
RIGHTS = ("feedbackloops.view_delivery", "feedbackloops.view_attempt")


@pytest.fixture
def messages() -> list[Message]:
    """Of two accounts; what each loop of theirs was owed, and its first attempt."""
    made = [make_message(account=make_account(name)) for name in ("Mine", "Others")]
    for message in made:
        for name in ("Shop", "CRM"):
            make_verified_loop(message.account, name=name)
        owe(message, 2)
    for each in Delivery.objects.all():
        of = {"delivery": each, "loop_id": each.loop_id, "account_id": each.account_id, "number": 1}
        Attempt.objects.create(id=derived_id(each.pk, 1), started=each.owed, outcome="accepted", **of)
    return made


def listed(client: Client, model: str, **query: Any) -> set[UUID]:
    answer = client.get(url(model, "changelist"), query)
    text(answer)
    return {each.pk for each in answer.context["cl"].result_list}


def own(model: str, message: Message) -> set[UUID]:
    rows: Any = Delivery if model == DELIVERIES else Attempt
    return set(rows.objects.filter(account=message.account).values_list("pk", flat=True))


@pytest.mark.parametrize("model", [DELIVERIES, ATTEMPTS])
def test_an_accounts_rows_are_those_of_its_loops(messages: list[Message], model: str) -> None:
    mine = own(model, messages[0])
    assert len(mine) == 4
    assert listed(staff(*RIGHTS), model, account__id__exact=messages[0].account_id) == mine
    assert listed(staff(*RIGHTS, accounts=[messages[0].account]), model) == mine


@pytest.mark.parametrize("model", [DELIVERIES, ATTEMPTS])
def test_an_account_without_loops_has_none(messages: list[Message], model: str) -> None:
    assert listed(staff(*RIGHTS), model, account__id__exact=make_account("Empty").pk) == set()


@pytest.mark.parametrize("model", [DELIVERIES, ATTEMPTS])
def test_they_are_found_by_the_index_of_loops(messages: list[Message], model: str) -> None:
    asked = {"account__id__exact": messages[0].account_id}
    for client, query in ((staff(*RIGHTS), asked), (staff(*RIGHTS, accounts=[messages[0].account]), {})):
        plan = next(each for each in plans(client, url(model, "changelist"), **query) if "Aggregate" in each)
        assert "Index Cond: (loop_id = ANY" in plan
