"""Which mail is meant where an ESP hands no metadata back: by its id there, together with the recipient."""

from typing import Any

import pytest
from django.test import RequestFactory
from django.utils.timezone import now

from esp.calls import reader_of
from esp.models import Webhook
from esp.taking import take
from esp.told import Told, told_of
from tests.esp.providers import REGISTERED, call, every_call, make_webhook
from tests.factories import make_account, make_message
from tracking.models import Event, Message

pytestmark = pytest.mark.django_db
# SendGrid tells of these its own id only, which whoever sends by SMTP does not get to know; a ping is of no mail.
WITHOUT_ID = {("sendgrid", "spam report, unsubscribe and click"), ("sparkpost", "ping")}


@pytest.mark.parametrize(("esp", "name"), sorted({*every_call()} - WITHOUT_ID))
def test_a_mail_is_found_by_its_id_at_every_esp_and_its_recipient(esp: str, name: str) -> None:
    webhook = make_webhook(esp, make_account())
    events = _without_metadata(webhook, name)
    told = [told_of(esp, event) for event in events]
    mails = {to: _sent(webhook, told[0], to).pk for to in ("ann@example.com", "bob@example.com")}
    taken = take(webhook, events, now())
    assert (taken.recorded, taken.unknown) == (sum(len(each.types) for each in told), 0)
    assert {event.message_id for event in Event.objects.all()} <= {mails["ann@example.com"]}


def _without_metadata(webhook: Webhook, name: str) -> list[Any]:
    made = call(webhook, name)
    headers: Any = made.headers
    request = RequestFactory().post(webhook.path, made.body, made.content_type, headers=headers)
    events = list(reader_of(webhook).parse_events(request))
    for event in events:
        event.metadata = {}
    return events


def _sent(webhook: Webhook, told: Told, recipient: str) -> Message:
    account, esp_id = webhook.account, told.esp_id
    return make_message(account=account, created=REGISTERED, tracked=False, esp_message_id=esp_id, recipient=recipient)
