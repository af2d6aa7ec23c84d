"""Collections of a database, and the subprofiles in them that belong to its profiles."""

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field

from api.operations import account_in, changes, posts, reads
from api.problems import invalid
from api.scopes import Scope
from api.shapes import Asked, Flag, Given, Moment, Name, Number, NumberInPath, Page, Text
from api.v1.databases import databases_of
from api.v1.lists import by_number, delete_unneeded, the
from profiles.models import Collection, Profile, Subprofile

router = Router()


class CollectionOut(BaseModel):
    """A collection."""

    id: int
    database: int
    name: str
    created: Moment


class CollectionIn(Given):
    """A collection to be made."""

    name: Name


class CollectionChange(Given):
    """What is to be changed of a collection; what is left out stays as it is."""

    name: Name = ""


class SubprofileOut(BaseModel):
    """A subprofile."""

    id: int
    profile: int
    collection: int
    fields: dict[str, str]
    created: Moment
    modified: Moment


class SubprofileIn(Given):
    """A subprofile to be made."""

    collection: Number = Field(description="A collection of the profile's database.")
    fields: dict[Text, Text] = {}


class SubprofileChange(Given):
    """What is to be changed of a subprofile."""

    fields: dict[Text, Text] = Field({}, description="What is left out stays as it is, unless `replace` is true.")
    replace: Flag = Field(False, description="Whether fields that are not named are taken away.")


class SubprofilesAsked(Asked):
    """Which subprofiles."""

    collection: Number | None = Field(None, strict=False, description="Only those in this collection.")


@reads(router, "/databases/{database}/collections", Scope.DATABASES_READ, Page[CollectionOut])
def list_collections(request: HttpRequest, database: NumberInPath, asked: Query[Asked]) -> Page[CollectionOut]:
    """List the collections of a database."""
    found = the(databases_of(account_in(request)), database)
    return by_number("collections", Collection.objects.filter(database=found), asked, _collection)


@posts(router, "/databases/{database}/collections", Scope.DATABASES_WRITE, CollectionOut, 201)
def create_collection(request: HttpRequest, database: NumberInPath, given: CollectionIn) -> CollectionOut:
    """Make a collection."""
    made = Collection(database=the(databases_of(account_in(request)), database), name=given.name)
    made.account_id = made.database.account_id
    made.full_clean()
    made.save()
    return _collection(made)


@reads(router, "/collections/{collection}", Scope.DATABASES_READ, CollectionOut)
def get_collection(request: HttpRequest, collection: NumberInPath) -> CollectionOut:
    """See a collection."""
    return _collection(the(_collections(request), collection))


@changes(router, "PATCH", "/collections/{collection}", Scope.DATABASES_WRITE, CollectionOut)
def change_collection(request: HttpRequest, collection: NumberInPath, given: CollectionChange) -> CollectionOut:
    """Rename a collection."""
    found = the(_collections(request).select_for_update(), collection)
    found.name = given.name or found.name
    found.full_clean()
    found.save()
    return _collection(found)


@changes(router, "DELETE", "/collections/{collection}", Scope.DATABASES_WRITE, None)
def delete_collection(request: HttpRequest, collection: NumberInPath) -> None:
    """Delete a collection that has no subprofiles."""
    delete_unneeded(the(_collections(request).select_for_update(), collection))


@reads(router, "/profiles/{profile}/subprofiles", Scope.PROFILES_READ, Page[SubprofileOut])
def list_subprofiles(
    request: HttpRequest, profile: NumberInPath, asked: Query[SubprofilesAsked]
) -> Page[SubprofileOut]:
    """List the subprofiles of a profile."""
    rows = _own(request).filter(profile=the(Profile.objects.filter(account=account_in(request)), profile))
    rows = rows.filter(collection=asked.collection) if asked.collection else rows
    return by_number("subprofiles", rows, asked, _shape)


@posts(router, "/profiles/{profile}/subprofiles", Scope.PROFILES_WRITE, SubprofileOut, 201)
def create_subprofile(request: HttpRequest, profile: NumberInPath, given: SubprofileIn) -> SubprofileOut:
    """Make a subprofile. Loops are told of it."""
    owner = the(Profile.objects.filter(account=account_in(request)), profile)
    collection = Collection.objects.filter(database=owner.database_id, pk=given.collection).first()
    if collection is None:
        raise invalid([("body.collection", "The profile's database has no such collection.")])
    made = Subprofile(profile=owner, collection=collection, fields=given.fields)
    made.save()
    return _shape(made)


@reads(router, "/subprofiles/{subprofile}", Scope.PROFILES_READ, SubprofileOut)
def get_subprofile(request: HttpRequest, subprofile: NumberInPath) -> SubprofileOut:
    """See a subprofile."""
    return _shape(the(_own(request), subprofile))


@changes(router, "PATCH", "/subprofiles/{subprofile}", Scope.PROFILES_WRITE, SubprofileOut)
def change_subprofile(request: HttpRequest, subprofile: NumberInPath, given: SubprofileChange) -> SubprofileOut:
    """Change a subprofile. Loops are told of it, where that changes anything."""
    found = _locked(request, subprofile)
    found.fields = given.fields if given.replace else found.fields | given.fields
    found.save()
    return _shape(found)


@changes(router, "DELETE", "/subprofiles/{subprofile}", Scope.PROFILES_WRITE, None)
def delete_subprofile(request: HttpRequest, subprofile: NumberInPath) -> None:
    """Remove a subprofile. Loops are told of it."""
    _locked(request, subprofile).delete()


def _collections(request: HttpRequest) -> QuerySet[Collection]:
    return Collection.objects.filter(account=account_in(request))


def _own(request: HttpRequest) -> QuerySet[Subprofile]:
    return Subprofile.objects.filter(account=account_in(request))


def _locked(request: HttpRequest, number: int) -> Subprofile:
    rows = _own(request).select_related("collection", "profile")
    return the(rows.select_for_update(no_key=True, of=["self"]), number)


def _collection(row: Collection) -> CollectionOut:
    return CollectionOut(id=row.pk, database=row.database_id, name=row.name, created=row.created)


def _shape(row: Subprofile) -> SubprofileOut:
    return SubprofileOut(
        id=row.pk,
        profile=row.profile_id,
        collection=row.collection_id,
        fields=dict(row.fields),
        created=row.created,
        modified=row.modified,
    )
