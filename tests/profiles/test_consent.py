import pytest
from django.core.exceptions import ValidationError

from profiles.consent import NO, NOT_ASKED, OPT_IN, OPT_OUT, YES, consents
from profiles.imports import import_profiles
from profiles.models import Consent, Database, Profile
from tests.dashboard import opened, staff, submitted, text, url
from tests.factories import make_account, make_database

VALUES = ["yes", " YES ", "true", "1", "on", "y", "no", "No\n", "false", "0", "off", "n", "", "maybe", "\tno", "٣"]


@pytest.mark.parametrize(
    ("value", "not_asked", "opt_out", "opt_in"),
    [
        ("yes", True, True, True),
        (" TRUE\n", True, True, True),
        ("no", True, False, False),
        ("\tOff ", True, False, False),
        ("", True, True, False),
        ("perhaps", True, True, False),
    ],
)
def test_the_rule_of_the_database_says_what_a_field_means(
    value: str, not_asked: bool, opt_out: bool, opt_in: bool
) -> None:
    fields = {"newsletter": value}
    rules = (NOT_ASKED, OPT_OUT, OPT_IN)
    assert [consents(fields, rule, "newsletter") for rule in rules] == [not_asked, opt_out, opt_in]


def test_a_field_that_is_not_there_is_neither_yes_nor_no() -> None:
    assert consents({}, OPT_OUT, "newsletter")
    assert not consents({}, OPT_IN, "newsletter")


def asking(rule: Consent, field: str = "newsletter") -> Database:
    database = make_database(make_account())
    database.consent, database.consent_field = rule, field
    database.save()
    return database


@pytest.mark.django_db
def test_whether_a_profile_is_tracked_follows_its_fields_however_they_are_written() -> None:
    database = asking(Consent.OPT_IN)
    imported, other = import_profiles(database, [{"fields": {"newsletter": "yes"}}, {"fields": {}}])
    assert (imported.tracked, other.tracked) == (True, False)
    imported.fields = {"newsletter": "no"}
    imported.save(update_fields=["fields"])
    imported.refresh_from_db()
    assert not imported.tracked


@pytest.mark.django_db
def test_saving_an_object_from_before_a_change_of_the_rule_brings_no_consent_back() -> None:
    database = make_database(make_account())
    (old,) = import_profiles(database, [{"fields": {}}])
    database.consent, database.consent_field = Consent.OPT_IN, "newsletter"
    database.save()
    assert old.tracked
    old.save()
    old.refresh_from_db()
    assert not old.tracked


@pytest.mark.django_db
@pytest.mark.parametrize("rule", Consent)
def test_a_database_that_changes_its_rule_asks_all_of_its_profiles_anew_and_in_the_same_way(rule: Consent) -> None:
    database = make_database(make_account())
    elsewhere = import_profiles(make_database(database.account), [{"fields": {"newsletter": "no"}}])
    profiles = import_profiles(database, [{"fields": {"newsletter": value}} for value in VALUES])
    database.consent, database.consent_field = rule, "newsletter"
    database.save()
    tracked = dict(Profile.objects.values_list("pk", "tracked"))
    assert [tracked[profile.pk] for profile in profiles] == [
        consents(profile.fields, rule, "newsletter") for profile in profiles
    ]
    assert tracked[elsewhere[0].pk]


@pytest.mark.django_db
def test_a_rule_needs_a_field() -> None:
    database = make_database(make_account())
    database.consent = Consent.OPT_OUT
    with pytest.raises(ValidationError, match="Name the field"):
        database.clean()


@pytest.mark.django_db
def test_staff_set_the_rule_and_see_what_it_means_for_a_profile() -> None:
    database = make_database(make_account())
    (profile,) = import_profiles(database, [{"fields": {"newsletter": "no"}}])
    client = staff(
        *(f"profiles.{act}_{model}" for act in ("view", "change") for model in ("database", "profile", "account"))
    )
    page = "profiles_profile"
    assert "consent is not asked for" in text(client.get(url(page, "change", profile.pk)))
    form = opened(client, "profiles_database", database.pk)
    typed = {"consent": "opt-out", "consent_field": "newsletter"}
    text(submitted(client, "profiles_database", form, database.pk, **typed))
    assert "Are not recorded: the field “newsletter” says “no”." in text(client.get(url(page, "change", profile.pk)))


def test_the_words_for_yes_and_for_no_are_different_ones() -> None:
    assert not set(YES) & set(NO)
