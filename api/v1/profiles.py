"""Profiles: what the account knows of people."""

from typing import Any, Final, Literal

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field

from api.cursors import as_number
from api.operations import account_in, changes, posts, reads
from api.problems import invalid
from api.scopes import Scope
from api.shapes import MOST, Asked, Flag, Given, Moment, Number, NumberInPath, Page, Text
from api.v1.databases import databases_of
from api.v1.lists import by_recording, the
from feedbackloops.forgetting import words
from feedbackloops.forgetting.people import ask_for_forgetting, counts_of, person_of, twins_of
from feedbackloops.models import Forgetting
from feedbackloops.models.forgetting import Stage
from profiles.addresses import normal_address
from profiles.models import Profile
from profiles.snapshots import Action
from profiles.upserting import Told, Upserted, upsert_profiles

router = Router()

Done = Literal["create", "update", "none"]
_ACTIONS: Final[dict[Action | None, Done]] = {Action.CREATE: "create", Action.UPDATE: "update", None: "none"}


class ProfileOut(BaseModel):
    """A profile."""

    id: int
    database: int
    fields: dict[str, str]
    interests: list[str]
    created: Moment
    modified: Moment


class ProfileIn(Given):
    """What is known of one person."""

    id: Number | None = Field(None, description="The profile that is meant. Without it, the one with the address.")
    fields: dict[Text, Text] = Field({}, description="What is left out stays as it is, unless `replace` is true.")
    interests: list[Text] | None = Field(None, description="All of them; without it they stay as they are.")


class ProfilesIn(Given):
    """One profile, or many."""

    profiles: list[ProfileIn] = Field(min_length=1, max_length=MOST)
    replace: Flag = Field(False, description="Whether fields that are not named are taken away.")


class ProfileChange(Given):
    """What is to be changed of a profile."""

    fields: dict[Text, Text] = Field({}, description="What is left out stays as it is, unless `replace` is true.")
    interests: list[Text] | None = Field(None, description="All of them; without it they stay as they are.")
    replace: Flag = Field(False, description="Whether fields that are not named are taken away.")


class UpsertedOut(BaseModel):
    """What became of one of the profiles."""

    id: int
    action: Done


class UpsertedList(BaseModel):
    """What became of the profiles, in the order of the request."""

    items: list[UpsertedOut]


class ForgettingOut(BaseModel):
    """A person who is forgotten, without saying who."""

    id: int
    asked: Moment
    finished: Moment | None
    removed: dict[str, int] = Field(description="How many rows are gone by now, by what they were.")
    left: dict[str, int] | None = Field(
        description="Where the search at the end found the person still named, in the words of the dashboard, with how "
        "many rows; empty: nowhere. Null until it is finished."
    )


class ForgetIn(Given):
    """Who is meant."""

    everywhere: Flag = Field(
        False, description="Whether all profiles of the account that have the same address are meant, in any database."
    )


_ONE: Final = ForgetIn(everywhere=False)


class ForgetAsked(Given):
    """Who is meant."""

    everywhere: bool = Field(False, description="As in the request that forgets.")


class ForgetCounted(BaseModel):
    """What there is of a person."""

    counts: dict[str, int] = Field(
        description="How many rows would be removed, by what they are; messages and events counted up to 10,000. What "
        "names the person elsewhere, and the events of changes to the profile, are found on the way."
    )
    others: list[int] = Field(description="Other profiles of the account that have the same address: they would stay.")


class ProfilesAsked(Asked):
    """Which profiles."""

    email: Text | None = Field(None, max_length=320, description="Only those with this e-mail address.")


@reads(router, "/databases/{database}/profiles", Scope.PROFILES_READ, Page[ProfileOut])
def list_profiles(request: HttpRequest, database: NumberInPath, asked: Query[ProfilesAsked]) -> Page[ProfileOut]:
    """List the profiles of a database."""
    found = the(databases_of(account_in(request)), database)
    rows = Profile.objects.filter(account=account_in(request), database=found)
    if asked.email is not None:
        rows = rows.filter(address=normal_address(asked.email)).exclude(address="")
    return by_recording("profiles", rows, asked, shape, as_number)


@posts(router, "/databases/{database}/profiles", Scope.PROFILES_WRITE, UpsertedList)
def upsert_profile(request: HttpRequest, database: NumberInPath, given: ProfilesIn) -> UpsertedList:
    """Tell of one person, or of up to 1,000: profiles that are there are changed, the others are made."""
    found = the(databases_of(account_in(request)), database)
    told = [Told(each.fields, each.interests, each.id, given.replace) for each in given.profiles]
    try:
        done = upsert_profiles(found, told)
    except ValidationError as error:
        raise invalid([(f"body.profiles.{error.code}", " ".join(error.messages))]) from error
    return UpsertedList(items=[_upserted(one) for one in done])


@reads(router, "/profiles/{profile}", Scope.PROFILES_READ, ProfileOut)
def get_profile(request: HttpRequest, profile: NumberInPath) -> ProfileOut:
    """See a profile."""
    return shape(the(Profile.objects.filter(account=account_in(request)), profile))


@changes(router, "PATCH", "/profiles/{profile}", Scope.PROFILES_WRITE, ProfileOut)
def change_profile(request: HttpRequest, profile: NumberInPath, given: ProfileChange) -> ProfileOut:
    """Change a profile."""
    found = _locked(request, profile)
    found.fields = given.fields if given.replace else found.fields | given.fields
    if given.interests is not None:
        found.interests = given.interests
    found.save()
    return shape(found)


@changes(router, "DELETE", "/profiles/{profile}", Scope.PROFILES_WRITE, None)
def delete_profile(request: HttpRequest, profile: NumberInPath) -> None:
    """Remove a profile."""
    _locked(request, profile).delete()


@posts(router, "/profiles/{profile}/forget", Scope.PROFILES_WRITE, ForgettingOut, 202)
def forget_profile(request: HttpRequest, profile: NumberInPath, given: ForgetIn = _ONE) -> ForgettingOut:
    """Forget a person: the profile, the mails to it and to its address, and all that came of them. Nobody is told."""
    found = the(Profile.objects.filter(account=account_in(request)), profile)
    return _forgetting(ask_for_forgetting(person_of(found, everywhere=given.everywhere)))


@reads(router, "/profiles/{profile}/forget", Scope.PROFILES_READ, ForgetCounted)
def count_forget(request: HttpRequest, profile: NumberInPath, asked: Query[ForgetAsked]) -> ForgetCounted:
    """Count what there is of a person, before it is forgotten. Nothing changes."""
    found = the(Profile.objects.filter(account=account_in(request)), profile)
    person = person_of(found, everywhere=asked.everywhere)
    others = twins_of(person).values_list("pk", flat=True)
    return ForgetCounted(counts=counts_of(person), others=list(others[:MOST]))


@reads(router, "/forgettings/{forgetting}", Scope.PROFILES_READ, ForgettingOut)
def get_forgetting(request: HttpRequest, forgetting: NumberInPath) -> ForgettingOut:
    """See how far the forgetting of a person has come, and whether anything is left."""
    return _forgetting(the(Forgetting.objects.filter(account=account_in(request)), forgetting))


def shape(profile: Profile) -> ProfileOut:
    """A profile as it is told."""
    values: dict[str, Any] = {name: getattr(profile, name) for name in ("id", "fields", "created", "modified")}
    return ProfileOut(**values, database=profile.database_id, interests=list(profile.interests))


def _locked(request: HttpRequest, number: int) -> Profile:
    rows = Profile.objects.filter(account=account_in(request)).select_related("database")
    return the(rows.select_for_update(no_key=True, of=["self"]), number)


def _forgetting(order: Forgetting) -> ForgettingOut:
    left = words.places(order.left) if order.stage == Stage.DONE else None
    return ForgettingOut(
        id=order.pk, asked=order.asked, finished=order.finished, removed=dict(order.removed), left=left
    )


def _upserted(one: Upserted) -> UpsertedOut:
    return UpsertedOut(id=one.profile.pk, action=_ACTIONS[one.action])
