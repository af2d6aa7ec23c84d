"""ESPs go on telling of mails to people who were forgotten."""

from pathlib import Path

import pytest
from django.test import RequestFactory
from django.utils.timezone import now
from pytest_django import Settings

from esp.calls import reader_of
from esp.taking import take
from feedbackloops.forgetting.people import begin, person_of
from tests.esp.providers import ESP_IDS, MESSAGE, call, every_call, make_webhook, registered
from tests.factories import make_account, make_database, make_profile
from tests.feedbackloops.forgetting.person import forget, texts_of_everything
from tracking.models import Event, Message, Source

pytestmark = pytest.mark.django_db

ANN = "ann@example.com"


@pytest.mark.parametrize(("esp", "name"), every_call())
def test_what_an_esp_tells_of_a_forgotten_person_leaves_nothing(
    esp: str, name: str, tmp_path: Path, settings: Settings
) -> None:
    settings.SPOOL_DIR, settings.ANSWER_SECONDS = tmp_path, -7.5
    account = make_account()
    person = make_profile(make_database(account), email=ANN)
    registered(account, profile=person, esp_message_id=ESP_IDS.get(esp, ""), tracked=False, source=Source.DJANGO_MAIL)
    webhook = make_webhook(esp, account)
    assert forget(begin(person_of(person))).left == {}
    made = call(webhook, name)
    request = RequestFactory().post(webhook.path, made.body, made.content_type, headers=made.headers)
    taken = take(webhook, reader_of(webhook).parse_events(request), now())
    assert (taken.recorded, taken.unusable) == (0, 0)
    assert not Event.objects.exists()
    assert not Message.objects.exists()
    everything = texts_of_everything().lower()
    assert ANN not in everything
    assert str(MESSAGE) not in everything
