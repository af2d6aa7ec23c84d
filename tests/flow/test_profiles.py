"""Events about profiles, and events about what is gone by the time they are fanned out."""

import signal

from profiles.imports import import_profiles
from profiles.models import Collection, Database, Subprofile
from tests.flow.customers import Customer, Script
from tests.flow.deployment import Deployment


def told(script: Script, kind: str) -> list[dict[str, object]]:
    """What the script was told of events of one type, less what differs each time."""
    posts = [post.fields for post in script.posts if post.fields["type"] == kind]
    return [{name: value for name, value in each.items() if name not in VARYING} for each in posts]


VARYING = {"type", "event", "timestamp", "time", "created", "modified"}


def test_a_profile_that_is_created_updated_and_deleted_is_told_of(customer: Customer) -> None:
    script = customer.script(event_types=["create", "update", "delete"], body_format="json")
    profile = customer.profile(name="Ann", city="Paris", age="30")
    facts = {"profile": profile.pk, "database": profile.database_id, "interests": ["shoes"]}
    profile.fields = {"name": "Ann", "city": "Málaga"}
    profile.save()
    profile.delete()
    script.await_books(owed=3, delivered=3)
    before, after = {"name": "Ann", "city": "Paris", "age": "30"}, {"name": "Ann", "city": "Málaga"}
    assert told(script, "create") == [{**facts, "fields": before, "parameters": before}]
    assert told(script, "update") == [{**facts, "fields": after, "parameters": {"city": "Málaga", "age": ""}}]
    assert told(script, "delete") == [{**facts, "fields": after}]
    dates = {post.fields["type"]: {"created", "modified"} & post.fields.keys() for post in script.posts}
    assert dates == {"create": {"created", "modified"}, "update": {"created", "modified"}, "delete": set()}


def test_what_becomes_of_a_subprofile_is_told_to_loops_of_its_database(customer: Customer) -> None:
    profile = customer.profile(name="Ann")
    script = customer.script(event_types=["create", "update", "delete"], body_format="json")
    script.loop.databases.add(profile.database)
    elsewhere = customer.script("/elsewhere/", event_types=["create"])
    elsewhere.loop.databases.add(Database.objects.create(account=customer.account, name="Others"))
    orders = Collection.objects.create(database=profile.database, name="Orders")
    order = Subprofile.objects.create(profile=profile, collection=orders, fields={"total": "10"})
    order.fields = {"total": "12"}
    order.save()
    profile.delete()
    # The deletion of the profile is the fourth.
    script.await_books(owed=4, delivered=4)
    facts = {
        "profile": order.profile_id,
        "subprofile": order.pk,
        "collection": orders.pk,
        "database": orders.database_id,
    }
    assert told(script, "create") == [{**facts, "fields": {"total": "10"}, "parameters": {"total": "10"}}]
    assert told(script, "update") == [{**facts, "fields": {"total": "12"}, "parameters": {"total": "12"}}]
    assert {**facts, "fields": {"total": "12"}} in told(script, "delete")
    assert elsewhere.books() == {"owed": 0}


def test_every_profile_of_an_import_is_told_of(customer: Customer) -> None:
    script = customer.script(event_types=["create"], body_format="json")
    database = customer.profile(name="first").database
    import_profiles(database, [{"fields": {"name": str(number)}} for number in range(50)])
    script.await_books(owed=51, delivered=51)
    names = {post.fields["fields"]["name"] for post in script.posts}
    assert names == {"first", *map(str, range(50))}


def test_what_is_gone_before_the_fan_out_is_left_out(deployment: Deployment, customer: Customer) -> None:
    script = customer.script(event_types=["open"], body_format="json")
    without_profile = customer.mail(profile=customer.profile(name="Ann"))
    without_message = customer.mail(profile=customer.profile(name="Bo"))
    deployment.processes.kill("events", signal.SIGSTOP)
    try:
        deployment.hit(without_profile.pixel_url)
        deployment.hit(without_message.pixel_url)
        assert without_profile.message.profile
        without_profile.message.profile.delete()
        without_message.message.delete()
    finally:
        deployment.processes.kill("events", signal.SIGCONT)
    script.await_books(owed=2, delivered=2)
    posts = {post.fields["id"]: post.fields for post in script.posts}
    seen = {"type", "event", "timestamp", "time", "id", "ip", "useragent", "verdict", "reasons", "client"}
    assert posts[str(without_profile.message.pk)].keys() == seen | {"recipient", "tags"}
    (nameless,) = posts.keys() - {str(without_profile.message.pk)}
    assert posts[nameless].keys() == seen
