import re

import pytest

from feedbackloops.models import Delivery
from feedbackloops.story.bodies import left_out
from tests.dashboard import staff, text, url
from tests.factories import make_database, make_message, make_profile, make_verified_loop, owe

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("body_format", "shown", "left"),
    [
        ("form", [("fields[city]", "M\u00e1laga"), ("interests[]", "shoes")], ["fields[size]]"]),
        ("json", [("fields.city", "M\u00e1laga"), ("fields.size]", "1"), ("interests[0]", "shoes")], []),
    ],
)
def test_a_deliverys_page_shows_the_body_as_the_loop_gets_it(
    body_format: str, shown: list[tuple[str, str]], left: list[str]
) -> None:
    profile = make_profile(make_database(), **{"city": "M\u00e1laga", "size]": "1"})
    make_verified_loop(profile.account, body_format=body_format)
    delivery = Delivery.objects.get(event_id=owe(make_message(profile))[0])
    page = text(staff("feedbackloops.view_delivery").get(url("feedbackloops_delivery", "change", delivery.pk)))
    for name, value in shown:
        assert f'<th scope="row" dir="auto">{name}</th><td dir="auto">{value}</td>' in page
    assert ("The form leaves out" in page) is bool(left)
    assert re.findall(r"<code>(fields[^<]*)</code>", page) == left


def test_a_deliverys_page_names_what_its_loop_leaves_out() -> None:
    profile = make_profile(make_database(), city="Oss", email="ann@example.com")
    make_verified_loop(profile.account, only_fields=["city"], left_out=["recipient"])
    delivery = Delivery.objects.get(event_id=owe(make_message(profile))[0])
    page = text(staff("feedbackloops.view_delivery").get(url("feedbackloops_delivery", "change", delivery.pk)))
    assert re.search(r"The loop leaves out: <code>recipient</code>, <code>fields\[email\]</code>\.", page)


def test_a_form_leaves_out_lists_and_maps_with_nothing_in_them() -> None:
    fields = {"type": "open", "fields": {}, "interests": [], "tags": ["a"]}
    assert left_out(fields, "form") == ["fields (empty)", "interests (empty)"]
    assert left_out(fields, "json") == []
