"""Databases: the named sets of profiles of an account."""

from typing import Annotated, Any, Final, Literal

from django.db import models
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field, StringConstraints

from api.operations import account_in, changes, posts, reads
from api.scopes import Scope
from api.shapes import Asked, Given, Moment, Name, NumberInPath, Page, Text
from api.v1.lists import by_number, delete_unneeded, the
from profiles.models import Account, Database

router = Router()

FieldName = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=200)]
Act = Literal["nothing", "set", "remove"]
Consent = Literal["not-asked", "opt-out", "opt-in"]
CONSENT: Final = "Of whom opens and clicks are seen: all, all but those who said no, or those who said yes."
ON_UNSUBSCRIBE: Final = "What an unsubscribe does to the recipient's profile, besides telling the loops of it."


class DatabaseOut(BaseModel):
    """A database."""

    id: int
    name: str
    email_field: str = Field(description="The field of its profiles that holds their e-mail address.")
    on_unsubscribe: Act = Field(description=ON_UNSUBSCRIBE)
    unsubscribe_fields: dict[str, str] = Field(description="For `set`: the fields that it sets, and to what.")
    consent: Consent = Field(description=CONSENT)
    consent_field: str = Field(description="The field of its profiles that says yes or no.")
    created: Moment


class DatabaseIn(Given):
    """A database to be made."""

    name: Name
    email_field: FieldName = "email"
    on_unsubscribe: Act = "nothing"
    unsubscribe_fields: dict[Text, Text] = {}
    consent: Consent = "not-asked"
    consent_field: FieldName = ""


class DatabaseChange(Given):
    """What is to be changed of a database; what is left out stays as it is."""

    name: Name = ""
    email_field: FieldName = ""
    on_unsubscribe: Act = "nothing"
    unsubscribe_fields: dict[Text, Text] = {}
    consent: Consent = "not-asked"
    consent_field: FieldName = ""


@reads(router, "/databases", Scope.DATABASES_READ, Page[DatabaseOut])
def list_databases(request: HttpRequest, asked: Query[Asked]) -> Page[DatabaseOut]:
    """List databases."""
    return by_number("databases", databases_of(account_in(request)), asked, shape)


@posts(router, "/databases", Scope.DATABASES_WRITE, DatabaseOut, 201)
def create_database(request: HttpRequest, given: DatabaseIn) -> DatabaseOut:
    """Make a database."""
    database = Database(account=account_in(request), **given.model_dump())
    return _saved(database)


@reads(router, "/databases/{database}", Scope.DATABASES_READ, DatabaseOut)
def get_database(request: HttpRequest, database: NumberInPath) -> DatabaseOut:
    """See a database."""
    return shape(the(databases_of(account_in(request)), database))


@changes(router, "PATCH", "/databases/{database}", Scope.DATABASES_WRITE, DatabaseOut)
def change_database(request: HttpRequest, database: NumberInPath, given: DatabaseChange) -> DatabaseOut:
    """Change a database."""
    found = the(databases_of(account_in(request)).select_for_update(no_key=True), database)
    for name, value in given.model_dump(exclude_unset=True).items():
        setattr(found, name, value)
    return _saved(found)


@changes(router, "DELETE", "/databases/{database}", Scope.DATABASES_WRITE, None)
def delete_database(request: HttpRequest, database: NumberInPath) -> None:
    """Delete a database that has no profiles and no collections, and that no loop names."""
    delete_unneeded(the(databases_of(account_in(request)).select_for_update(), database))


def databases_of(account: Account) -> models.QuerySet[Database]:
    """The databases of an account."""
    return Database.objects.filter(account=account)


def shape(database: Database) -> DatabaseOut:
    """A database as it is told."""
    values: dict[str, Any] = {name: getattr(database, name) for name in DatabaseOut.model_fields}
    # The model's choices are texts beneath.
    chosen = {name: str(values[name]) for name in ("on_unsubscribe", "consent")}
    return DatabaseOut(**values | chosen)


def _saved(database: Database) -> DatabaseOut:
    database.full_clean()
    database.save()
    return shape(database)
