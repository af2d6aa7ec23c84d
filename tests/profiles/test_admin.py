import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from profiles.models import Account, Profile
from profiles.pages import CappedPaginator
from tests.dashboard import Page, opened, staff, submitted, text, url
from tests.factories import make_account, make_database, make_loop, make_message, make_profile
from tracking.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return staff(
        *(f"profiles.{right}_{model}" for right in ("view", "add", "change", "delete") for model in MODELS),
    )


MODELS = ("account", "database", "profile")


@pytest.mark.parametrize("model", MODELS)
def test_lists_and_forms_open(client: Client, model: str) -> None:
    profile = make_profile(firstname="Ann")
    ids = {"account": profile.account_id, "database": profile.database_id, "profile": profile.pk}
    for page in ("changelist", "add"):
        text(client.get(url(f"profiles_{model}", page)))
    text(client.get(url(f"profiles_{model}", "change", ids[model])))


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("https://click.customer.example", "https://click.customer.example"),
        (" http://click.customer.example:8080/ ", "http://click.customer.example:8080"),
        ("", ""),
    ],
)
def test_an_account_has_a_tracking_domain_or_none(client: Client, typed: str, stored: str) -> None:
    account = make_account()
    form = opened(client, "profiles_account", account.pk)
    text(submitted(client, "profiles_account", form, account.pk, tracking_url=typed, name=account.name))
    account.refresh_from_db()
    assert account.tracking_url == stored


@pytest.mark.parametrize("typed", ["click.customer.example", "https://", "https://a.example/x", "ftp://a.example"])
def test_a_tracking_domain_that_makes_dead_links_is_refused_in_words(client: Client, typed: str) -> None:
    account = make_account()
    form = opened(client, "profiles_account", account.pk)
    page = text(submitted(client, "profiles_account", form, account.pk, tracking_url=typed))
    assert "This has to be http:// or https:// and a host" in page
    account.refresh_from_db()
    assert account.tracking_url == ""


def test_a_profile_is_made_from_its_form_and_belongs_to_its_databases_account(client: Client) -> None:
    database = make_database()
    form = opened(client, "profiles_profile")
    submitted(
        client, "profiles_profile", form, database=database.pk, fields='{"city": "Utrecht"}', interests="shoes\r\nmusic"
    )
    profile = Profile.objects.get()
    assert (profile.account_id, profile.fields, profile.interests) == (
        database.account_id,
        {"city": "Utrecht"},
        ["shoes", "music"],
    )


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ('{"age": 42}', "The field &#x27;age&#x27; holds 42."),
        ('{"a": "b"\n "c": "d"}', "This can&#x27;t be read from line 2, character 2 on"),
        ('["a"]', "Fields are a map from a name to a text"),
        ('{"a": "1", "a": "2"}', "The field &#x27;a&#x27; is there twice; leave one of them out."),
        ('{"a": "\\u0000"}', "holds a NUL character"),
        ("[" * 100_000, "too many brackets within brackets"),
    ],
)
def test_fields_that_cannot_be_kept_are_refused_in_words(client: Client, typed: str, answer: str) -> None:
    profile = make_profile(city="Utrecht")
    form = opened(client, "profiles_profile", profile.pk)
    assert answer in text(submitted(client, "profiles_profile", form, profile.pk, fields=typed))
    profile.refresh_from_db()
    assert profile.fields == {"city": "Utrecht"}


@pytest.mark.parametrize(
    "interests",
    [[], ["shoes"], ["two\nlines", "x"], [" padded "], [""], ["[brackets]"], ["a", "[b]"], ["½ “quoted” & <b>"]],
)
def test_a_form_that_is_saved_untouched_changes_nothing(client: Client, interests: list[str]) -> None:
    fields = {"": "empty", "a]b": "1\n2\r\n3", "naïve": "x" * 10_000, "<b>": '"&amp;"', "space ": " "}
    profile = Profile.objects.create(database=make_database(), fields=fields, interests=interests)
    submitted(client, "profiles_profile", opened(client, "profiles_profile", profile.pk), profile.pk)
    again = Profile.objects.get()
    assert (again.fields, again.interests, again.modified) == (fields, interests, profile.modified)
    assert Event.objects.filter(type="update").count() == 0


def test_typing_interests_leaves_fields_that_changed_meanwhile(client: Client) -> None:
    profile = make_profile(city="Utrecht")
    form = opened(client, "profiles_profile", profile.pk)
    profile.fields = {"city": "Delft"}
    profile.save()
    submitted(client, "profiles_profile", form, profile.pk, interests="music")
    profile.refresh_from_db()
    assert (profile.fields, profile.interests) == ({"city": "Delft"}, ["music"])


def test_interests_typed_are_kept_through_a_page_with_errors(client: Client) -> None:
    profile = Profile.objects.create(database=make_database(), fields={"city": "Utrecht"}, interests=[])
    form = opened(client, "profiles_profile", profile.pk) | {"interests": ["music"], "fields": ["{"]}
    again = dict(Page(text(submitted(client, "profiles_profile", form, profile.pk)), "profile_form").values)
    assert again["initial-interests"] == [""]
    submitted(client, "profiles_profile", again, profile.pk, fields='{"city": "Delft"}')
    profile.refresh_from_db()
    assert (profile.fields, profile.interests) == ({"city": "Delft"}, ["music"])


def test_emptying_the_fields_is_possible(client: Client) -> None:
    profile = make_profile(city="Utrecht")
    submitted(client, "profiles_profile", opened(client, "profiles_profile", profile.pk), profile.pk, fields="")
    profile.refresh_from_db()
    assert profile.fields == {}


def test_names_that_a_form_body_cannot_carry_are_flagged(client: Client) -> None:
    bad, good = make_profile(make_database(), **{"size]": "1", "": "2"}), make_profile(size="1")
    page = text(client.get(url("profiles_profile", "change", bad.pk)))
    assert "can’t receive" in page
    assert "<code>size]</code>" in page
    assert "(the empty name)" in page
    assert "can’t receive" not in text(client.get(url("profiles_profile", "change", good.pk)))


def test_saving_names_that_a_form_body_cannot_carry_gives_a_warning(client: Client) -> None:
    form = opened(client, "profiles_profile") | {"database": [str(make_database().pk)], "_save": ["1"]}
    address, listed = url("profiles_profile", "add"), []
    for fields in ('{"size]": "1", "b": "2"}', '{"size": "1"}'):
        listed.append(text(client.post(address, form | {"fields": [fields]}, follow=True)))
    assert "because of the name: “size]”." in listed[0]
    assert "because of the name" not in listed[1]


@pytest.mark.parametrize("term", ["Utrecht", "utre", "ID"])
def test_profiles_are_found_by_number_and_by_value(client: Client, term: str) -> None:
    profile = make_profile(city="Utrecht")
    make_profile(city="Delft")
    page = text(client.get(url("profiles_profile", "changelist"), {"q": str(profile.pk) if term == "ID" else term}))
    assert "city: Utrecht" in page
    assert "Delft" not in page


def test_profiles_are_found_by_their_address_without_looking_into_all_fields(client: Client) -> None:
    make_profile(email="Ann@example.com", city="Utrecht")
    make_profile(email="joann@example.com", city="Delft")
    address = url("profiles_profile", "changelist")
    with CaptureQueriesContext(connection) as asked:
        page = text(client.get(address, {"q": " ann@Example.com "}))
    assert "city: Utrecht" in page
    assert "Delft" not in page
    assert "UPPER(" not in "".join(query["sql"] for query in asked)
    assert "Delft" in text(client.get(address, {"q": "n@example"})), "part of an address is part of a field"


@pytest.mark.parametrize("term", ["Ann <ann@example.com>", "ann@example.com, bob@example.com", "bob@example.com"])
def test_what_is_nobodys_address_is_looked_for_in_the_fields(client: Client, term: str) -> None:
    make_profile(email="ann@example.com", city="Utrecht")
    make_profile(note=f"Ask {term} first", city="Delft")
    page = text(client.get(url("profiles_profile", "changelist"), {"q": term}))
    assert "city: Delft" in page
    assert "Utrecht" not in page


@pytest.mark.parametrize("page", ["/admin/profiles/profile/", "/admin/search/"])
def test_a_thousand_brackets_break_no_search(client: Client, page: str) -> None:
    assert client.get(page, {"q": "(" * 1000 + "@"}).status_code == 200


@pytest.mark.parametrize("term", ["ann@\0", "\0"])
def test_a_text_that_no_field_can_hold_finds_no_profile(client: Client, term: str) -> None:
    make_profile(email="ann@example.com")
    asked = {"app_label": "profiles", "model_name": "subprofile", "field_name": "profile", "term": term}
    answer = staff("profiles.view_profile", "profiles.add_subprofile").get("/admin/autocomplete/", asked)
    assert answer.json()["results"] == []


def test_an_account_with_anything_in_it_cannot_be_deleted(client: Client) -> None:
    used, empty = make_database().account, make_account()
    assert client.post(url("profiles_account", "delete", used.pk), {"post": "yes"}).status_code == 403
    assert client.post(url("profiles_account", "delete", empty.pk), {"post": "yes"}).status_code == 302
    assert list(Account.objects.all()) == [used]


def test_an_account_with_messages_only_cannot_be_deleted(client: Client) -> None:
    account = make_message().account
    assert client.post(url("profiles_account", "delete", account.pk), {"post": "yes"}).status_code == 403


def test_neither_a_database_nor_a_profile_changes_hands(client: Client) -> None:
    profile, other = make_profile(), make_database()
    submitted(
        client,
        "profiles_database",
        opened(client, "profiles_database", profile.database_id),
        profile.database_id,
        account=other.account_id,
    )
    submitted(client, "profiles_profile", opened(client, "profiles_profile", profile.pk), profile.pk, database=other.pk)
    again = Profile.objects.select_related("database").get()
    assert (again.database_id, again.database.account_id) == (profile.database_id, profile.account_id)


def test_deleting_a_profile_tells_so(client: Client) -> None:
    profile = make_profile(city="Utrecht")
    client.post(url("profiles_profile", "delete", profile.pk), {"post": "yes"})
    assert Event.objects.get(type="delete").data["fields"] == {"city": "Utrecht"}


def test_staff_without_rights_see_and_change_nothing() -> None:
    profile = make_profile(city="Utrecht")
    client = staff()
    assert client.get(url("profiles_profile", "change", profile.pk)).status_code == 403
    assert client.get(url("profiles_profile", "changelist")).status_code == 403


def test_who_may_only_look_changes_nothing() -> None:
    profile = make_profile(city="Utrecht")
    client = staff("profiles.view_profile")
    assert "Utrecht" in text(client.get(url("profiles_profile", "change", profile.pk)))
    answer = client.post(url("profiles_profile", "change", profile.pk), {"fields": json.dumps({"city": "Delft"})})
    assert answer.status_code == 403


def test_a_list_counts_no_further_than_it_has_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        make_account()
    monkeypatch.setattr(CappedPaginator, "MOST", 3)
    paginator = CappedPaginator(Account.objects.order_by("name"), 2)
    assert (paginator.count, paginator.is_capped, paginator.num_pages) == (3, True, 2)
    assert not CappedPaginator(Account.objects.filter(name="nobody"), 2).is_capped


def test_the_page_says_when_it_did_not_count_on(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        make_account()
    monkeypatch.setattr(CappedPaginator, "MOST", 3)
    assert "The first 3; search or filter to see others" in text(client.get(url("profiles_account", "changelist")))


def test_an_empty_list_offers_what_can_be_done(client: Client) -> None:
    address = url("profiles_account", "changelist")
    assert "Add the first one" in text(client.get(address))
    searched, viewed = client.get(address, {"q": "nobody"}), staff("profiles.view_account").get(address)
    assert "Show all" in text(searched)
    for page in (text(searched), text(viewed)):
        assert "Nothing here." in page
        assert "Add the first one" not in page


def test_a_database_that_limits_a_loop_cannot_be_deleted_since_the_loop_would_get_all_events(client: Client) -> None:
    database = make_database()
    loop = make_loop(database.account)
    loop.databases.add(database)

    client.post(url("profiles_database", "delete", database.pk), {"post": "yes"})

    assert list(loop.databases.all()) == [database]


def test_a_number_that_python_will_not_read_is_answered_in_words(client: Client) -> None:
    profile = make_profile()

    page = client.post(url("profiles_profile", "change", profile.pk), {"fields": '{"a": ' + "1" * 5000 + "}"})

    assert "too long" in page.content.decode()


@pytest.mark.parametrize("lookup", ["name__regex", "name__iregex"])
def test_no_list_hands_a_pattern_to_postgresql(client: Client, lookup: str) -> None:
    answer = client.get(url("profiles_account", "changelist"), {lookup: "("})
    assert (answer.status_code, answer["Location"]) == (302, f"{url('profiles_account', 'changelist')}?e=1")


def test_an_action_on_what_is_no_row_does_nothing_and_says_so(client: Client) -> None:
    form = {"action": "delete_selected", "_selected_action": ["nonsense"], "index": "0"}
    answer = client.post(url("profiles_profile", "changelist"), form, follow=True)
    assert "Nothing was done: what was ticked is not in this list." in text(answer)
