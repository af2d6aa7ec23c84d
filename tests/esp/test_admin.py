"""Webhooks in the dashboard."""

import html

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from esp.admin import KEY_REPLACED, SEEN
from esp.models import Webhook
from profiles.models import Account
from tests.dashboard import opened, staff, submitted, text, url
from tests.esp.providers import CALLS, KEYS, Call, make_webhook, registered, send
from tests.factories import make_account

RIGHTS = [f"esp.{right}_webhook" for right in ("view", "add", "change", "delete")]
LOGIN = "suite:"


@pytest.fixture
def client(db: None) -> Client:
    return staff(*RIGHTS, "profiles.view_account")


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


def test_a_webhook_is_made_and_its_address_takes_calls(client: Client, account: Account) -> None:
    typed = {"account": account.pk, "esp": "postmark", "name": "Shop"}
    response = client.post(url("esp_webhook", "add"), typed)
    webhook = Webhook.objects.get()
    address = url("esp_webhook", "address", webhook.pk)
    assert response.headers["Location"] == address
    page = text(client.get(address))
    assert "Webhooks of the message stream" in page
    assert f"http://suite:{webhook.password}@localhost:8000/esp/postmark/{webhook.path_key}/" in page
    assert str(webhook) == "Postmark Shop"
    registered(account)
    assert send(webhook, "delivery").status_code == 200
    assert "1" in text(client.get(url("esp_webhook", "change", webhook.pk)))


def test_the_address_of_a_new_webhook_is_shown_once_also_to_who_may_only_add(account: Account) -> None:
    maker, other = staff("esp.add_webhook", "profiles.view_account"), staff(*RIGHTS)
    maker.post(url("esp_webhook", "add"), {"account": account.pk, "esp": "postmark", "name": "Shop"})
    webhook = Webhook.objects.get()
    address = url("esp_webhook", "address", webhook.pk)
    assert webhook.password not in text(other.get(address, follow=True))
    shown = maker.get(address)
    assert webhook.password in text(shown)
    assert "no-store" in shown.headers["Cache-Control"]
    assert maker.get(address).status_code == 403


@pytest.mark.parametrize(
    ("esp", "key", "words"),
    [
        ("postmark", "", "None: the provider logs in"),
        ("mailgun", "", "Missing: see above."),
        ("mailgun", "key", "Stored; it is not shown."),
    ],
)
def test_its_page_tells_whether_a_key_is_stored_and_what_to_choose_at_the_provider(
    esp: str, key: str, words: str, client: Client, account: Account
) -> None:
    webhook = Webhook.objects.create(account=account, esp=esp, signing_key=key)
    page = text(client.get(url("esp_webhook", "change", webhook.pk)))
    assert words in page
    assert str(webhook.provider.where) in html.unescape(page)


def test_no_page_but_that_of_the_address_has_a_secret_in_it(client: Client, account: Account) -> None:
    webhooks = [make_webhook("postmark", account), make_webhook("mailgun", account)]
    pages = [url("esp_webhook", "changelist"), url("profiles_account", "change", account.pk)]
    for webhook in webhooks:
        pages += [url("esp_webhook", page, webhook.pk) for page in ("change", "history", "delete")]
        assert client.get(url("esp_webhook", "address", webhook.pk)).status_code == 302
    secrets = {secret for each in webhooks for secret in (each.password, each.signing_key, each.path_key) if secret}
    assert not [page for page in pages if any(secret in text(client.get(page)) for secret in secrets)]
    (shown,) = [client.post(url("esp_webhook", "address", webhooks[0].pk))]
    assert webhooks[0].whole_url in text(shown)
    assert "no-store" in shown.headers["Cache-Control"]
    assert [str(each.change_message) for each in LogEntry.objects.filter(object_id=str(webhooks[0].pk))] == [str(SEEN)]


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
