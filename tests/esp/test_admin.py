"""Webhooks in the dashboard."""

import re
from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils.timezone import now

from esp.admin import KEY_REPLACED, OPENED, SEEN
from esp.calls import NO_LOGIN, NOT_UNDERSTOOD
from esp.models import Webhook
from esp.providers import PROVIDERS
from profiles.models import Account
from profiles.showing import when
from tests.dashboard import opened, staff, submitted, text, url
from tests.esp.providers import CALLS, KEYS, Call, call, content_of, login, make_webhook, registered, send, signed
from tests.factories import make_account
from tracking.models import Event, Message
from tracking.outside import record_reports
from tracking.reports import Report

RIGHTS = [f"esp.{right}_webhook" for right in ("view", "add", "change", "delete")]
LOGIN = "suite:"


@pytest.fixture
def client(db: None) -> Client:
    return staff(*RIGHTS, "profiles.view_account")


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


def test_a_webhook_is_made_and_its_address_takes_calls(client: Client, account: Account) -> None:
    made = client.post(url("esp_webhook", "add"), {"account": account.pk, "esp": "postmark", "name": "Shop"})
    webhook = Webhook.objects.get()
    page = text(client.get(made.headers["Location"]))
    assert f"http://suite:{webhook.password}@localhost:8000/esp/postmark/{webhook.path_key}/" in page
    assert str(webhook) == "Postmark Shop"
    registered(account)
    assert send(webhook, "delivery").status_code == 200
    assert "1" in text(client.get(url("esp_webhook", "change", webhook.pk)))


def test_a_webhook_leads_to_its_events_and_these_lead_back(client: Client, account: Account) -> None:
    webhook, other = make_webhook("postmark", account), make_webhook("postmark", account)
    ours, others, old = (reported(account, webhook.source, number) for number in (webhook.pk, other.pk, 0))
    Webhook.objects.update(recorded=1)
    page, beside = (url("esp_webhook", "change", each.pk) for each in (webhook, other))
    viewer = staff("esp.view_webhook", "tracking.view_event")
    own, every = re.findall(r'href="([^"]*data__(?:webhook|source)[^"]*)"', text(viewer.get(page)))
    assert shown(viewer, own) == {ours}
    assert shown(viewer, every) == {ours, others, old}
    event = url("tracking_event", "change", ours)
    assert f'href="{page}"' in text(viewer.get(event))
    assert f'href="{beside}"' not in text(viewer.get(event))
    assert f'href="{page}"' not in text(staff("tracking.view_event").get(event))


def test_an_event_that_names_no_webhook_leads_to_those_of_its_provider(account: Account) -> None:
    made = [make_webhook(esp, account) for esp in ("postmark", "postmark", "sparkpost")]
    page = text(
        staff("esp.view_webhook", "tracking.view_event").get(
            url("tracking_event", "change", reported(account, made[0].source, 0))
        )
    )
    assert [f'href="{url("esp_webhook", "change", each.pk)}"' in page for each in made] == [True, True, False]


def reported(account: Account, source: str, webhook: int) -> UUID:
    """The event of what was told by it; 0: before webhooks were noted."""
    message = Message.objects.filter(account=account).first() or registered(account)
    report = Report("delivery", account.pk, message.pk, now(), f"{source} {webhook}", {}, source, webhook)
    return record_reports([report]).pop()


def shown(viewer: Client, way: str) -> set[UUID]:
    """The events that a list has."""
    page = text(viewer.get(unescape(way)))
    return {id for id in Event.objects.values_list("pk", flat=True) if str(id) in page}


def test_no_page_but_that_of_the_address_has_a_secret_in_it(client: Client, account: Account) -> None:
    webhooks = [make_webhook("postmark", account), make_webhook("mailgun", account)]
    pages = [url("esp_webhook", "changelist"), url("profiles_account", "change", account.pk)]
    for webhook in webhooks:
        pages += [url("esp_webhook", page, webhook.pk) for page in ("change", "history", "delete")]
        assert client.get(url("esp_webhook", "address", webhook.pk)).status_code == 302
    secrets = {secret for each in webhooks for secret in (each.password, each.signing_key, each.path_key) if secret}
    assert not [page for page in pages if any(secret in text(client.get(page)) for secret in secrets)]
    shown = client.post(url("esp_webhook", "address", webhooks[0].pk), follow=True)
    assert webhooks[0].whole_url in text(shown)
    assert "no-store" in shown.headers["Cache-Control"]
    assert [str(each.change_message) for each in LogEntry.objects.filter(object_id=str(webhooks[0].pk))] == [str(SEEN)]


def test_the_page_of_the_address_can_be_loaded_again_for_a_while_by_who_opened_it(
    client: Client, account: Account
) -> None:
    given = {"account": account.pk, "esp": "postmark", "name": ""}
    address = client.post(url("esp_webhook", "add"), given).headers["Location"]
    webhook = Webhook.objects.get()
    assert address == url("esp_webhook", "address", webhook.pk)
    for _ in range(2):
        assert webhook.whole_url in text(client.get(address))
    assert Webhook.objects.count() == 1
    assert staff(*RIGHTS).get(address).status_code == 302
    other = make_webhook("postmark", account)
    assert client.get(url("esp_webhook", "address", other.pk)).status_code == 302
    session = client.session
    session[OPENED] |= {"until": 0}
    session.save()
    assert client.get(address).status_code == 302


@pytest.mark.parametrize("esp", sorted(PROVIDERS))
def test_both_pages_tell_where_the_address_goes_and_what_to_choose(esp: str, client: Client, account: Account) -> None:
    webhook, provider = make_webhook(esp, account), PROVIDERS[esp]
    told = [provider.menu, provider.tells, provider.sees]
    pages = [client.get(url("esp_webhook", "change", webhook.pk))]
    pages.append(client.post(url("esp_webhook", "address", webhook.pk), follow=True))
    for page in pages:
        assert all(told)
        assert not [each for each in (*told, str(provider.note)) if each not in unescape(text(page))]


def test_the_last_call_and_the_last_good_one_stand_apart(client: Client, account: Account) -> None:
    webhook = make_webhook("postmark", account)
    registered(account)
    send(webhook, "delivery")
    good = when(Webhook.objects.get().last_call)
    page = text(client.get(url("esp_webhook", "change", webhook.pk)))
    assert f"{good}: taken" in page
    Webhook.objects.update(last_call=now() - timedelta(hours=1))
    good = when(Webhook.objects.get().last_call)
    for made, reason in ((Call(b"{}"), NO_LOGIN), (Call(b"[", headers=login(webhook.login)), NOT_UNDERSTOOD)):
        send(webhook, made)
        refused = when(Webhook.objects.get().problem_since)
        page = text(client.get(url("esp_webhook", "change", webhook.pk)))
        assert f"{refused}: refused. {reason}" in unescape(page)
        assert good in page


def test_a_call_that_is_refused_right_after_a_good_one_is_told(account: Account) -> None:
    webhook = make_webhook("postmark", account)
    for made, refusing in ((Call(b"{}"), True), (call(webhook, "delivery"), False), (Call(b"{}"), True)):
        send(webhook, made)
        webhook.refresh_from_db()
        assert webhook.is_refusing is refusing


def test_of_a_call_that_was_taken_in_part_the_page_says_so(client: Client, account: Account) -> None:
    webhook = make_webhook("sparkpost", account)
    content = [{"msys": {"message_event": {"type": []}}}, *content_of("sparkpost", "delivery")]
    send(webhook, signed(webhook, content))
    page = text(client.get(url("esp_webhook", "change", webhook.pk)))
    assert "not all of the last call was kept" in page


@pytest.mark.parametrize(
    ("esp", "key", "words"),
    [
        ("postmark", "", "None: the provider logs in"),
        ("mailgun", "", "Missing: enter it below."),
        ("mailgun", "key", "Stored; it is not shown."),
    ],
)
def test_the_page_says_whether_a_key_is_stored(
    esp: str, key: str, words: str, client: Client, account: Account
) -> None:
    webhook = Webhook.objects.create(account=account, esp=esp, signing_key=key)
    assert words in text(client.get(url("esp_webhook", "change", webhook.pk)))


def test_the_address_of_a_new_webhook_is_shown_also_to_who_may_only_add(account: Account) -> None:
    maker = staff("esp.add_webhook", "profiles.view_account")
    given = {"account": account.pk, "esp": "postmark", "name": ""}
    address = maker.post(url("esp_webhook", "add"), given).headers["Location"]
    shown = maker.get(address)
    assert Webhook.objects.get().password in text(shown)
    assert "no-store" in shown.headers["Cache-Control"]
    session = maker.session
    session[OPENED] |= {"until": 0}
    session.save()
    assert maker.get(address).status_code == 403


def test_the_page_of_an_account_shows_its_webhooks_to_those_who_may_see_them(client: Client, account: Account) -> None:
    address = url("profiles_account", "change", account.pk)
    assert "no e-mail service provider tells" in text(client.get(address))
    make_webhook("postmark", account, name="Shop")
    make_webhook("postmark", name="Another account’s")
    page = text(client.get(address))
    assert "Postmark Shop" in page
    assert "not called yet" in page
    assert f"{url('esp_webhook', 'add')}?account={account.pk}" in page
    assert "Another account’s" not in page
    assert "ESP webhooks" not in text(staff("profiles.view_account").get(address))


def test_who_may_only_look_does_not_see_the_address(account: Account) -> None:
    webhook = make_webhook("postmark", account)
    viewer = staff("esp.view_webhook")
    assert viewer.post(url("esp_webhook", "address", webhook.pk)).status_code == 403
    assert "Show the address" not in text(viewer.get(url("esp_webhook", "change", webhook.pk)))


def test_a_key_is_entered_later_and_never_shown(client: Client, account: Account) -> None:
    client.post(url("esp_webhook", "add"), {"account": account.pk, "esp": "mandrill", "name": "", "new_key": ""})
    webhook = Webhook.objects.get()
    page = url("esp_webhook", "change", webhook.pk)
    assert "its key is missing" in text(client.get(page))
    typed = {"name": "Shop", "new_key": f" {KEYS['mandrill']()} "}
    submitted(client, "esp_webhook", opened(client, "esp_webhook", webhook.pk), webhook.pk, **typed)
    webhook.refresh_from_db()
    assert (webhook.name, webhook.signing_key) == ("Shop", KEYS["mandrill"]())
    assert "not called yet" in text(client.get(page))
    assert str(KEY_REPLACED) in [str(each.change_message) for each in LogEntry.objects.all()]
    submitted(client, "esp_webhook", opened(client, "esp_webhook", webhook.pk), webhook.pk, name="Another")
    webhook.refresh_from_db()
    assert (webhook.name, webhook.signing_key) == ("Another", KEYS["mandrill"]())


@pytest.mark.parametrize("esp", sorted(KEYS))
def test_a_key_that_is_none_comes_back_with_words(esp: str, client: Client, account: Account) -> None:
    wrong = "ключ"
    response = client.post(url("esp_webhook", "add"), {"account": account.pk, "esp": esp, "name": "", "new_key": wrong})
    assert "This is no key of" in text(response)
    assert not Webhook.objects.exists()
    right = {"account": account.pk, "esp": esp, "name": "", "new_key": KEYS[esp]()}
    client.post(url("esp_webhook", "add"), right)
    assert Webhook.objects.get().signing_key == KEYS[esp]()


def test_a_public_key_is_taken_as_it_is_found(client: Client, account: Account) -> None:
    key = KEYS["postal"]()
    for pasted in (
        f"-----BEGIN PUBLIC KEY-----\n{key[:64]}\n{key[64:]}\n-----END PUBLIC KEY-----\n",
        f"v=DKIM1; t=s; h=sha256; p={key};",
    ):
        client.post(url("esp_webhook", "add"), {"account": account.pk, "esp": "postal", "name": "", "new_key": pasted})
        assert Webhook.objects.order_by("-pk")[0].signing_key == key


def test_an_esp_that_does_not_sign_has_no_key(client: Client, account: Account) -> None:
    given = {"account": account.pk, "esp": "postmark", "name": "", "new_key": "a key"}
    assert "does not sign its calls" in text(client.post(url("esp_webhook", "add"), given))
    webhook = make_webhook("postmark", account)
    assert "new_key" not in opened(client, "esp_webhook", webhook.pk)


def test_what_is_to_be_done_is_told(client: Client, account: Account) -> None:
    webhook = make_webhook("sparkpost", account)
    send(webhook, Call(b"{}"))
    page = text(client.get(url("esp_webhook", "change", webhook.pk)))
    assert "last call failed" in page
    assert "without the right name and password" in page
    send(webhook, "bounce and delay")
    page = text(client.get(url("esp_webhook", "change", webhook.pk)))
    assert "2 (acknowledged, and not recorded: they are of mails that are not registered with us)" in page
    confirm = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription"
    Webhook.objects.update(esp="amazon_ses", confirm_url=confirm)
    page = text(client.get(url("esp_webhook", "change", webhook.pk)))
    assert "to be confirmed" in page
    assert f'href="{confirm}"' in page


def test_staff_of_other_accounts_do_not_see_it(account: Account) -> None:
    webhook = make_webhook("postmark", account)
    client = staff(*RIGHTS, accounts=[make_account()])
    assert client.post(url("esp_webhook", "address", webhook.pk)).status_code == 404
    assert client.get(url("esp_webhook", "change", webhook.pk)).status_code in (302, 404)


def test_there_are_calls_of_every_esp() -> None:
    assert {path.stem for path in CALLS.glob("*.json")} == set(dict(Webhook._meta.get_field("esp").flatchoices))
