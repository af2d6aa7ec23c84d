from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User

from access.log import recent_actions
from access.models import Reach
from access.reach import RULES, limit, sees_all
from profiles.models import Account
from tests.access.planted import plant, remember_acts
from tests.factories import make_account
from tracking.models import Block, UnreadMail

pytestmark = pytest.mark.django_db


def member(**values: Any) -> User:
    return User.objects.create_user(f"user{User.objects.count()}", is_staff=True, **values)


def reaching(*accounts: Account, all_accounts: bool = False) -> User:
    user = member()
    Reach.objects.create(user=user, all_accounts=all_accounts).accounts.set(accounts)
    return user


def test_every_model_says_how_it_belongs_to_an_account() -> None:
    models = {model._meta.label_lower for model in apps.get_models()}
    assert models - RULES.keys() == set()
    assert RULES.keys() - models == set()


def test_every_rule_is_one_that_postgresql_can_follow() -> None:
    user = reaching(make_account())
    for label in RULES:
        list(limit(apps.get_model(label)._base_manager.all(), user)[:1])


def test_a_model_without_a_rule_is_shown_to_those_only_who_see_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account()
    monkeypatch.delitem(RULES, "profiles.account")
    assert not limit(Account.objects.all(), reaching(account)).exists()
    assert limit(Account.objects.all(), reaching(all_accounts=True)).exists()


def test_rows_of_the_flow_follow_their_events_and_loops() -> None:
    mine, theirs = plant("mine"), plant("theirs")
    user = reaching(mine.account)
    for model, ids in mine.rows.items():
        seen = set(limit(model._base_manager.all(), user).values_list("pk", flat=True))
        # A block holds for all accounts, so whoever sees some only sees none of them.
        assert set(ids) <= seen or (model in (Block, UnreadMail) and not seen), model
        assert not seen & set(theirs.rows[model]) - set(ids), model


def test_who_was_given_no_account_sees_none() -> None:
    make_account()
    for user in (member(), reaching(), AnonymousUser()):
        assert not limit(Account.objects.all(), user).exists()
        assert not sees_all(user)


def test_superusers_and_those_with_all_accounts_see_all() -> None:
    make_account()
    for user in (member(is_superuser=True), reaching(all_accounts=True)):
        assert limit(Account.objects.all(), user).exists()
        assert sees_all(user)


def test_whoever_was_made_inactive_sees_nothing() -> None:
    account = make_account()
    for user in (member(is_superuser=True, is_active=False), reaching(account)):
        user.is_active = False
        assert not limit(Account.objects.all(), user).exists()


def test_colleagues_are_those_whose_reach_lies_within_ones_own() -> None:
    first, second = make_account(), make_account()
    user = reaching(first)
    same, wider, other, everywhere = (
        reaching(first),
        reaching(first, second),
        reaching(second),
        reaching(all_accounts=True),
    )
    nowhere, boss = reaching(), member(is_superuser=True)
    seen = set(limit(User.objects.all(), user))
    assert seen == {user, same}
    assert seen.isdisjoint({wider, other, everywhere, nowhere, boss})


def test_recent_actions_leave_out_what_is_no_longer_shown() -> None:
    mine, theirs = plant("mine"), plant("theirs")
    limited, boss = reaching(mine.account), member(is_superuser=True)
    for user in (limited, boss):
        remember_acts(user, theirs)
        remember_acts(user, mine)
    assert {entry.change_message for entry in recent_actions(boss, 200)} == {"mine", "theirs"}
    assert {entry.change_message for entry in recent_actions(limited, 200)} == {"mine"}
    assert len(recent_actions(limited, 3)) == 3
