"""A recipient who unsubscribes: from the request of a mailbox provider to the POSTs that tell of it."""

import requests
from django.db import connection

from feedbackloops.models import ParkedEvent
from profiles.models import Database, Profile
from tests.flow.customers import Customer
from tests.flow.deployment import Deployment
from tests.flow.waiting import wait_until
from tracking.messages import unsubscribe_url

# As Gmail sends it (RFC 8058, 3.2).
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
GMAIL = {"User-Agent": "Google-Mail-Unsubscribe/1.0"}


def test_one_click_reaches_the_script_and_sets_the_field_that_the_database_names(
    deployment: Deployment, customer: Customer
) -> None:
    script = customer.script(event_types=["unsubscribe", "update"], body_format="json")
    profile = customer.profile(email="ann@example.com", newsletter="yes")
    Database.objects.filter(pk=profile.database_id).update(
        on_unsubscribe="set", unsubscribe_fields={"newsletter": "no"}
    )
    message = customer.mail(profile=profile).message
    url = unsubscribe_url(message)

    page = deployment.get(url)
    assert (page.status_code, deployment.head(url).status_code) == (200, 200)
    assert requests.post(url, ONE_CLICK, headers=GMAIL, timeout=10).status_code == 200

    script.await_books(owed=2, delivered=2)
    posts = {post.fields["type"]: post.fields for post in script.posts}
    told = {name: posts["unsubscribe"][name] for name in posts["unsubscribe"].keys() - {"event", "timestamp", "time"}}
    assert told == {
        "type": "unsubscribe",
        "id": str(message.pk),
        "recipient": "ann@example.com",
        "tags": ["spring", "sale"],
        "ip": "127.0.0.1",
        "useragent": "Google-Mail-Unsubscribe/1.0",
        "profile": profile.pk,
        "database": profile.database_id,
        "fields": {"email": "ann@example.com", "newsletter": "yes"},
        "interests": ["shoes"],
    }
    assert posts["update"]["fields"] == {"email": "ann@example.com", "newsletter": "no"}
    assert posts["update"]["parameters"] == {"newsletter": "no"}


def test_one_click_while_postgres_is_away_is_told_once_it_is_back(deployment: Deployment, customer: Customer) -> None:
    script = customer.script(event_types=["unsubscribe", "delete"], body_format="json")
    profile = customer.profile(email="ann@example.com")
    Database.objects.filter(pk=profile.database_id).update(on_unsubscribe="remove")
    url = unsubscribe_url(customer.mail(profile=profile).message)
    connection.close()
    deployment.postgres.stop()
    try:
        answer = requests.post(url, ONE_CLICK, timeout=10)
        assert (answer.status_code, "You are unsubscribed" in answer.text) == (200, True)
        assert "Unsubscribe?" in deployment.get(url).text
    finally:
        deployment.postgres.start()
    script.await_books(owed=2, delivered=2)
    assert {post.fields["type"] for post in script.posts} == {"unsubscribe", "delete"}
    wait_until(lambda: not Profile.objects.filter(pk=profile.pk).exists(), "the profile is removed")
    assert not ParkedEvent.objects.exists()
