"""Every form, list and address of the dashboard, filled with what nobody should type: never an error of ours."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import pytest_django
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedbackloops import doorbell
from feedbackloops.models import FeedbackLoop
from tests.access import walking
from tests.access.planted import Planted, plant
from tests.dashboard import Rings, opened, url

pytestmark = pytest.mark.django_db

MARKER = "xMARKERx"
FORM = "application/x-www-form-urlencoded"
CORPUS = [
    *(b"", b"\0", b"\xff\xfe\xc3\x28", b"\r\nSet-Cookie: a=b", b"\xe2\x80\xae\xef\xbf\xbf", b"a" * 70_000, b" "),
    *(b"-1", b"0", b"1e400", b"NaN", b"Infinity", b"9" * 30, b"9" * 5000, b"9223372036854775808", "٣".encode(), b"1_0"),
    *(b"' OR 1=1 --", b"%s%(x)s%n", b"{{ 7*7 }}", b"<script>alert(1)</script>", b"../../etc/passwd", b"${jndi:x}"),
    *(
        b"{",
        b"[1]",
        b"null",
        b'{"a": {"b": 1}}',
        b'{"a": 1e999}',
        b'{"\\u0000": "x"}',
        b'{"a": "\\ud800"}',
        b'{"a": NaN}',
    ),
    *(b"[" * 5000, b'{"a":' * 5000, b'{"a": 1' + b"0" * 5000 + b"}", b'{"": ""}', b'{"a]": "b"}'),
    *(b"0000-00-00", b"9999-12-31", b"0001-01-01", b"10000-01-01", b"24:61", b"23:59:60", b"2026-02-30"),
    *(
        b"http://[",
        b"http://\xc3\x9f.test\\@x",
        b"//",
        b"javascript:alert(1)",
        b"a@b\nBcc: c@d",
        b"@",
        b"a@" + b"b" * 500,
    ),
    *(b"00000000-0000-0000-0000-000000000000", b"ffffffff-ffff-ffff-ffff-ffffffffffff", b"01890a5d-ac96-774b-bcce"),
]
typed_texts = st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
hostile = (st.sampled_from(CORPUS) | typed_texts | st.binary(max_size=40)).map(
    lambda value: value + MARKER.encode() if len(value) % 3 == 0 else value
)
short = hostile.filter(lambda value: len(value) < 6000)
QUERY_NAMES = [
    "q",
    "o",
    "p",
    "e",
    "all",
    "_popup",
    "_to_field",
    "id",
    "pk",
    "id__exact",
    "account__id__exact",
    "id__in",
]
LOOKUPS = ["", "__exact", "__id__exact", "__gte", "__isnull", "__in", "_from", "_to", "_from_0", "_from_1", "__regex"]


def examples(number: int) -> settings:
    return settings(max_examples=number, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Planted:
    monkeypatch.setattr(doorbell, "_doorbell", Rings)
    Group.objects.create(name="Support")
    return plant("planted")


@pytest.fixture(autouse=True)
def nothing_is_told(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What is typed stands in no log, and nothing of it is an error of ours."""
    caplog.set_level(logging.DEBUG)
    # A statement that is logged for debugging is not what an operator's log has.
    logging.getLogger("django.db.backends").setLevel(logging.INFO)
    yield
    logging.getLogger("django.db.backends").setLevel(logging.NOTSET)
    own = [record for record in caplog.records if not record.name.startswith("django.security")]
    assert [record.getMessage() for record in own if record.levelno >= logging.ERROR] == []
    assert MARKER not in "\n".join(record.getMessage() for record in own if record.name != "django.request")


def posted(client: Client, address: str, form: Mapping[str, Any]) -> Any:
    """Send a form with any bytes in it, and take back what it did."""
    with transaction.atomic():
        answer = client.post(address, urlencode(form, doseq=True), FORM)
        transaction.set_rollback(True)
    assert answer.status_code < 500
    return answer


def form_addresses(planted: Planted) -> dict[str, dict[str, Any]]:
    """The forms of the dashboard, as they stand, by their address."""
    found: dict[str, dict[str, Any]] = {}
    client = Client()
    client.force_login(admin_user())
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        for args in ((), tuple(planted.rows.get(model, [])[-1:])):
            page = "change" if args else "add"
            if client.get(url(name, page, *args)).status_code == 200:
                form = opened(client, name, *args)
                form.pop("csrfmiddlewaretoken", None)
                found |= {url(name, page, *args): form} if form else {}
    return found


def admin_user() -> User:
    return User.objects.get(username="admin")


def hammer(client: Client, address: str, form: Mapping[str, Any], names: Sequence[str]) -> None:
    """Send the form a few times, with some of these fields filled otherwise."""

    @examples(6)
    @given(st.dictionaries(st.sampled_from(names), hostile, min_size=1, max_size=4))
    def fill(typed: dict[str, bytes]) -> None:
        answer = posted(client, address, {**form, **typed})
        assert "://" not in answer.get("Location", "")

    fill()


def ask(client: Client, address: str, names: Sequence[str]) -> None:
    """Open the list a few times, with some of these parameters."""

    @examples(6)
    @given(st.dictionaries(st.sampled_from(names), short, max_size=3))
    def look(query: dict[str, bytes]) -> None:
        assert client.get(f"{address}?{urlencode(query)}").status_code < 500

    look()


def test_no_form_of_the_dashboard_breaks(admin_client: Client, planted: Planted) -> None:
    FeedbackLoop.objects.update(rsa_private_key="", rsa_key_id="")
    forms = form_addresses(planted)
    assert len(forms) > 12
    for address, form in forms.items():
        hammer(admin_client, address, form, sorted(form))


def test_no_form_of_a_loop_or_of_a_login_breaks(
    admin_client: Client, planted: Planted, settings: pytest_django.Settings
) -> None:
    settings.LOGIN_TRIES_PER_ADDRESS = settings.LOGIN_TRIES_PER_USER = 10_000
    loop = planted.rows[FeedbackLoop][0]
    moments = ["since_0", "since_1", "until_0", "until_1"]
    hammer(admin_client, url("feedbackloops_feedbackloop", "again", loop), {}, [*moments, "states", "confirmed"])
    hammer(admin_client, url("feedbackloops_feedbackloop", "secret", loop), {}, ["act", "confirmed"])
    bench, editor = url("feedbackloops_feedbackloop", "bench", loop), ["do", "type", "shown", "as", "blank", "text"]
    controls = ["f-tags", "f-ip", "f-profile", "f-original", "f-fields-name", "f-fields-value"]
    for do in ("send", "json", "form", "more", "type"):
        hammer(admin_client, bench, {"do": do, "as": "form", "type": "click"}, [*editor, *controls])
        hammer(admin_client, bench, {"do": do, "as": "json", "type": "click"}, ["text", "type", "blank"])
    hammer(admin_client, f"/admin/auth/user/{admin_user().pk}/password/", {}, ["password1", "password2"])
    hammer(admin_client, "/admin/password_change/", {}, ["old_password", "new_password1", "new_password2"])
    hammer(admin_client, "/admin/second-factor/", {}, ["act", "code", "next"])
    hammer(admin_client, "/admin/login/code/", {}, ["code", "next"])
    hammer(Client(), "/admin/login/", {}, ["username", "password", "next"])


def test_no_list_breaks_whatever_is_asked_of_it(admin_client: Client, planted: Planted) -> None:
    for model, page in admin.site._registry.items():
        filters = [each[0] if isinstance(each, tuple) else each for each in page.list_filter]
        names = [f"{name}{lookup}" for name in filters if isinstance(name, str) for lookup in LOOKUPS]
        ask(admin_client, walking.list_of(model), [*QUERY_NAMES, *names])


def test_no_action_breaks_whatever_is_chosen(admin_client: Client, planted: Planted) -> None:
    actions = walking.actions(admin_client, admin_user())

    @examples(40)
    @given(st.sampled_from(actions), st.lists(hostile, max_size=3), hostile, hostile)
    def act(action: Any, ids: list[bytes], index: bytes, across: bytes) -> None:
        model, name = action
        form = {"action": name, "_selected_action": ids, "index": index, "select_across": across, "post": "yes"}
        posted(admin_client, walking.list_of(model), form)

    act()


def test_no_address_breaks_whatever_its_ids_are(admin_client: Client, planted: Planted) -> None:
    real = [each.path for each in walking.addresses(planted.rows) if each.about]
    patterns = sorted({_without_id(path, planted) for path in real})
    assert len(patterns) > 30

    @examples(100)
    @given(st.sampled_from(patterns), short)
    def visit(pattern: str, id: bytes) -> None:
        address = pattern.replace("{}", quote(id, safe=""))
        assert admin_client.get(address).status_code < 500
        posted(admin_client, address, {"act": "rotate", "confirmed": "yes", "post": "yes"})

    visit()


def _without_id(path: str, planted: Planted) -> str:
    ids = (str(id) for found in planted.rows.values() for id in found)
    return next((path.replace(f"/{id}/", "/{}/", 1) for id in ids if f"/{id}/" in path), path)
