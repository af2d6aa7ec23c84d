"""Nobody gives more than they have, and nobody takes over who has more."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from access.models import Reach
from access.reach import viewer_of
from profiles.models import Account
from tests.dashboard import opened, staff, submitted, text, url
from tests.factories import make_account

pytestmark = pytest.mark.django_db

USER, GROUP = "auth_user", "auth_group"
MANAGER = tuple(f"auth.{right}_{model}" for right in ("view", "add", "change", "delete") for model in ("user", "group"))
MANAGER = (*MANAGER, "profiles.view_account")
PASSWORD = "a-long-one-42"


@pytest.fixture
def account() -> Account:
    return make_account("Own")


@pytest.fixture
def manager(account: Account) -> Client:
    """Somebody who looks after the staff of one account."""
    return staff(*MANAGER, accounts=[account])


@pytest.fixture
def colleague(account: Account) -> User:
    return member("colleague", account)


def member(name: str, *accounts: Account, rights: tuple[str, ...] = (), **values: Any) -> User:
    user = User.objects.create_user(name, is_staff=True, **values)
    Reach.objects.create(user=user).accounts.set(accounts)
    user.user_permissions.set([permission(right) for right in rights])
    return user


def permission(right: str) -> Permission:
    app, codename = right.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


def own(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])


def accounts_of(user: User) -> set[int] | None:
    accounts = viewer_of(User.objects.get(pk=user.pk)).accounts
    return None if accounts is None else set(accounts)


def test_the_accounts_of_a_member_of_staff_are_chosen_on_their_page(admin_client: Client, colleague: User) -> None:
    other = make_account()
    submitted(
        admin_client, USER, opened(admin_client, USER, colleague.pk), colleague.pk, **{"reach-0-accounts": other.pk}
    )
    assert accounts_of(colleague) == {other.pk}
    form = opened(admin_client, USER, colleague.pk)
    submitted(admin_client, USER, form, colleague.pk, **{"reach-0-all_accounts": "on"})
    assert accounts_of(colleague) is None


def test_who_is_added_without_accounts_sees_none_of_them(admin_client: Client) -> None:
    make_account()
    form = opened(admin_client, USER)
    submitted(admin_client, USER, form, username="new", password1=PASSWORD, password2=PASSWORD)
    assert accounts_of(User.objects.get(username="new")) == set()


def test_a_manager_adds_staff_for_the_own_accounts_only(manager: Client, account: Account) -> None:
    foreign, form = make_account("Foreign"), opened(manager, USER) | {"username": ["new"]}
    form |= {"password1": [PASSWORD], "password2": [PASSWORD]}
    for accounts in ([], [foreign.pk], [account.pk, foreign.pk]):
        page = text(submitted(manager, USER, form, **{"reach-0-accounts": accounts}))
        assert "Foreign" not in page
        assert not User.objects.filter(username="new").exists()
    submitted(manager, USER, form, **{"reach-0-accounts": [account.pk], "reach-0-all_accounts": "on"})
    assert accounts_of(User.objects.get(username="new")) == {account.pk}


def test_a_manager_is_told_to_choose_an_account(manager: Client) -> None:
    form = opened(manager, USER) | {"username": ["new"], "password1": [PASSWORD], "password2": [PASSWORD]}
    assert "Choose at least one account" in text(submitted(manager, USER, form))


@pytest.mark.parametrize("own_page", [True, False])
def test_nobody_widens_a_reach_beyond_the_own_one(
    manager: Client, colleague: User, account: Account, own_page: bool
) -> None:
    foreign, target = make_account(), own(manager) if own_page else colleague
    form = opened(manager, USER, target.pk)
    forged = {"reach-0-accounts": [account.pk, foreign.pk], "reach-0-all_accounts": "on"}
    submitted(manager, USER, form, target.pk, **forged)
    submitted(manager, USER, form, target.pk, **{"reach-0-all_accounts": "on"})
    assert accounts_of(target) == {account.pk}


@pytest.mark.parametrize("own_page", [True, False])
def test_nobody_but_a_superuser_makes_superusers(manager: Client, colleague: User, own_page: bool) -> None:
    everywhere = staff(*MANAGER)
    for client in (manager, everywhere):
        target = own(client) if own_page else colleague
        submitted(client, USER, opened(client, USER, target.pk), target.pk, is_superuser="on")
        assert not User.objects.filter(is_superuser=True).exists()


@pytest.mark.parametrize("own_page", [True, False])
def test_nobody_gives_a_permission_that_they_lack(manager: Client, colleague: User, own_page: bool) -> None:
    target, lacking = own(manager) if own_page else colleague, permission("feedbackloops.view_secret")
    mighty = Group.objects.create(name="Mighty")
    mighty.permissions.add(lacking)
    before = User.objects.get(pk=target.pk).get_all_permissions()
    form = opened(manager, USER, target.pk)
    for forged in ({"user_permissions": [lacking.pk]}, {"groups": [mighty.pk]}):
        assert "Select a valid choice" in text(submitted(manager, USER, form, target.pk, **forged))
    assert User.objects.get(pk=target.pk).get_all_permissions() == before


def test_a_permission_that_one_has_can_be_given(manager: Client, colleague: User) -> None:
    harmless = Group.objects.create(name="Harmless")
    harmless.permissions.add(permission("profiles.view_account"))
    given = {"user_permissions": [permission("auth.view_user").pk], "groups": [harmless.pk]}
    submitted(manager, USER, opened(manager, USER, colleague.pk), colleague.pk, **given)
    assert User.objects.get(pk=colleague.pk).get_all_permissions() == {"auth.view_user", "profiles.view_account"}


def test_who_may_do_more_is_shown_but_neither_changed_nor_given_a_password(manager: Client, account: Account) -> None:
    mightier = member("mightier", account, rights=("feedbackloops.view_secret",))
    text(manager.get(url(USER, "change", mightier.pk)))
    assert manager.post(url(USER, "change", mightier.pk), {"username": "taken"}).status_code == 403
    new = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert manager.post(url(USER, "password_change", mightier.pk), new).status_code == 403
    assert manager.post(url(USER, "delete", mightier.pk), {"post": "yes"}).status_code == 403
    manager.post(url(USER, "changelist"), {"action": "delete_selected", "_selected_action": mightier.pk, "post": "yes"})
    assert User.objects.get(username="mightier").password == mightier.password


def test_a_superuser_is_out_of_reach_for_all_others(admin_user: User) -> None:
    everywhere = staff(*MANAGER)
    new = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    assert everywhere.post(url(USER, "change", admin_user.pk), {"is_active": ""}).status_code == 403
    assert everywhere.post(url(USER, "password_change", admin_user.pk), new).status_code == 403
    assert User.objects.get(pk=admin_user.pk).password == admin_user.password


def test_the_second_factor_of_others_is_told_and_not_shown(admin_client: Client, colleague: User) -> None:
    assert "Second factor" in text(admin_client.get(url(USER, "change", colleague.pk)))


def test_groups_are_for_those_who_see_all_accounts(manager: Client) -> None:
    group = Group.objects.create(name="Support")
    text(manager.get(url(GROUP, "change", group.pk)))
    for page, args, form in (("add", [], {"name": "New"}), ("change", [group.pk], {"name": "Taken"})):
        assert manager.post(url(GROUP, page, *args), form).status_code == 403
    assert manager.post(url(GROUP, "delete", group.pk), {"post": "yes"}).status_code == 403
    assert list(Group.objects.values_list("name", flat=True)) == ["Support"]


def test_a_group_gets_no_permission_that_its_editor_lacks() -> None:
    client, group, lacking = staff(*MANAGER), Group.objects.create(name="Support"), permission("profiles.add_account")
    page = submitted(client, GROUP, opened(client, GROUP, group.pk), group.pk, permissions=[lacking.pk])
    assert "Select a valid choice" in text(page)
    group.permissions.add(lacking)
    assert client.post(url(GROUP, "change", group.pk), {"name": "Emptied"}).status_code == 403
    assert list(group.permissions.all()) == [lacking]


def test_whoever_has_done_anything_is_kept_for_the_log(admin_client: Client, colleague: User) -> None:
    idle = member("idle")
    LogEntry.objects.log_actions(colleague.pk, [colleague], 2, "Did something.")
    assert admin_client.post(url(USER, "delete", colleague.pk), {"post": "yes"}).status_code == 403
    assert admin_client.post(url(USER, "delete", idle.pk), {"post": "yes"}).status_code == 302
    assert not User.objects.filter(username="idle").exists()
    assert LogEntry.objects.filter(user=colleague).exists()


def test_accounts_are_added_by_those_who_will_see_them(account: Account) -> None:
    rights = ("profiles.add_account", "profiles.view_account")
    assert staff(*rights, accounts=[account]).get(url("profiles_account", "add")).status_code == 403
    text(staff(*rights).get(url("profiles_account", "add")))


def test_rights_are_kept_when_a_colleague_is_saved_untouched(manager: Client, account: Account) -> None:
    user = member("untouched", account, rights=("auth.view_user",))
    submitted(manager, USER, opened(manager, USER, user.pk), user.pk)
    assert (accounts_of(user), user.get_all_permissions()) == ({account.pk}, {"auth.view_user"})
