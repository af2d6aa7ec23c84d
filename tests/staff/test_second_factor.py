from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pyotp
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils.timezone import now
from pytest_django import Settings

from staff import secondfactor, throttle
from staff.codes import digest, new_recovery_codes, new_secret, step_of
from staff.models import SecondFactor
from tests.dashboard import staff, text

pytestmark = pytest.mark.django_db

CODE, PAGE = "/admin/login/code/", "/admin/second-factor/"
LOOPS = "/admin/feedbackloops/feedbackloop/"


@pytest.fixture(autouse=True)
def fresh(settings: Settings) -> None:
    settings.THROTTLE_URL = ""
    throttle._own.clear()


@pytest.fixture
def user() -> User:
    return User.objects.create_superuser("ann", password="a-long-one-42")


@pytest.fixture
def client(user: User) -> Client:
    """Somebody who has given the password."""
    client = Client()
    client.force_login(user)
    return client


def switched_on(user: User) -> tuple[SecondFactor, list[str]]:
    """A second factor in force since a minute ago, with its recovery codes."""
    factor = secondfactor.begin(user)
    then = now() - timedelta(minutes=1)
    recovery = secondfactor.confirm(factor, pyotp.TOTP(factor.secret).at(then), then)
    assert recovery
    return factor, recovery


def current(factor: SecondFactor) -> str:
    return pyotp.TOTP(factor.secret).now()


def entered(client: Client, code: str, **more: Any) -> Any:
    return client.post(CODE, {"code": code} | more)


def pressed(client: Client, act: str, **values: str) -> Any:
    return client.post(PAGE, {"act": act} | values)


def log() -> list[str]:
    return list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True))


def test_codes_are_those_of_rfc_6238() -> None:
    # Appendix B, cut to six digits.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        assert step_of(secret, code, datetime.fromtimestamp(seconds, UTC), 0) == seconds // 30


@pytest.mark.parametrize(("late", "fits"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_a_phones_clock_may_be_off_by_half_a_minute(late: int, fits: bool) -> None:
    secret, moment = new_secret(), datetime(2026, 3, 1, 12, 0, 15, tzinfo=UTC)
    code = pyotp.TOTP(secret).at(moment + timedelta(seconds=late))
    assert (step_of(secret, code, moment, 0) is not None) is fits


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "١٢٣٤٥٦", "\0", "1" * 5000])
def test_what_is_no_code_does_not_fit(code: str) -> None:
    assert step_of(new_secret(), code, now(), 0) is None


def test_a_code_may_be_typed_with_spaces_and_a_recovery_code_without_dashes() -> None:
    secret, moment = new_secret(), now()
    code = pyotp.TOTP(secret).at(moment)
    assert step_of(secret, f" {code[:3]} {code[3:]} ", moment, 0)
    recovery = new_recovery_codes()[0]
    assert digest(recovery.replace("-", " ").upper()) == digest(recovery)


def test_switching_it_on_takes_a_code_of_the_new_secret(client: Client, user: User) -> None:
    assert "Switch it on" in text(client.get(PAGE))
    pressed(client, "begin")
    factor = SecondFactor.objects.get()
    page = text(client.get(PAGE))
    assert factor.secret in page
    assert "<svg" in page
    assert "does not fit" in text(pressed(client, "confirm", code="000000"))
    assert SecondFactor.objects.get().confirmed is None
    shown = text(pressed(client, "confirm", code=current(factor)))
    stored = SecondFactor.objects.get()
    assert stored.confirmed
    assert len(stored.recovery) == 10
    assert "Your recovery codes" in shown
    assert factor.secret not in text(client.get(PAGE))
    assert text(client.get(LOOPS))
    assert log() == ["Began to switch on the second factor.", "Switched on the second factor."]


def test_one_that_was_not_confirmed_is_asked_for_by_nobody(client: Client) -> None:
    pressed(client, "begin")
    assert text(client.get(LOOPS))
    pressed(client, "cancel")
    assert not SecondFactor.objects.exists()


def test_no_page_opens_before_the_code_was_given(client: Client, user: User) -> None:
    factor, _ = switched_on(user)
    for page in (LOOPS, PAGE, "/admin/", "/admin/password_change/", "/admin/auth/user/add/"):
        assert client.get(page)["Location"].startswith("/admin/login/?next=")
    assert client.post(PAGE, {"act": "off", "code": "000000"}).status_code == 302
    assert SecondFactor.objects.exists()
    asked = client.get(LOOPS, follow=True)
    assert asked.redirect_chain[-1][0].startswith(CODE)
    assert entered(client, current(factor), next=LOOPS)["Location"] == LOOPS
    assert text(client.get(LOOPS))


def test_the_whole_login_leads_to_the_page_that_was_asked_for(user: User) -> None:
    factor, _ = switched_on(user)
    client = Client()
    form = {"username": "ann", "password": "a-long-one-42", "next": LOOPS}
    page = client.post("/admin/login/", form, follow=True)
    assert page.redirect_chain[-1][0].startswith(CODE)
    assert f'name="next" value="{LOOPS}"' in text(page)
    assert entered(client, current(factor), next=LOOPS)["Location"] == LOOPS


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_the_code_leads_to_no_other_site(client: Client, user: User, target: str) -> None:
    factor, _ = switched_on(user)
    assert entered(client, current(factor), next=target)["Location"] == "/admin/"


def test_a_code_is_good_for_once(client: Client, user: User) -> None:
    factor, _ = switched_on(user)
    code = current(factor)
    assert entered(client, code).status_code == 302
    other = Client()
    other.force_login(user)
    assert "does not fit" in text(entered(other, code))


def test_a_recovery_code_is_good_for_once(client: Client, user: User) -> None:
    _, recovery = switched_on(user)
    assert entered(client, recovery[3].upper()).status_code == 302
    assert len(SecondFactor.objects.get().recovery) == 9
    other = Client()
    other.force_login(user)
    assert "does not fit" in text(entered(other, recovery[3]))
    assert log().count("Used a recovery code.") == 1


def test_who_gives_up_a_secret_in_another_window_does_not_switch_off_what_was_confirmed_meanwhile(user: User) -> None:
    switched_on(user)
    secondfactor.give_up(user)
    assert SecondFactor.objects.get().confirmed
    assert "Did not switch on the second factor." not in log()


def test_codes_cannot_be_guessed_on_and_on(client: Client, user: User, settings: Settings) -> None:
    settings.LOGIN_TRIES_PER_USER = 3
    factor, recovery = switched_on(user)
    assert [entered(client, "000000").status_code for _ in range(3)] == [200] * 3
    for code in (current(factor), recovery[0]):
        held_back = entered(client, code)
        assert held_back.status_code == 429
        assert int(held_back["Retry-After"]) > 0
    assert len(SecondFactor.objects.get().recovery) == 10


def test_a_session_that_has_shown_it_is_a_new_one(client: Client, user: User) -> None:
    factor, _ = switched_on(user)
    before = client.session.session_key
    entered(client, current(factor))
    assert client.session.session_key != before


def test_switching_it_off_takes_a_code(client: Client, user: User) -> None:
    factor, recovery = switched_on(user)
    entered(client, current(factor))
    assert "does not fit" in text(pressed(client, "off", code="000000"))
    assert SecondFactor.objects.exists()
    pressed(client, "off", code=recovery[0])
    assert not SecondFactor.objects.exists()
    assert text(client.get(LOOPS))
    assert log()[-1] == "Switched off the second factor."


def test_new_recovery_codes_take_the_place_of_the_old_ones(client: Client, user: User) -> None:
    factor, recovery = switched_on(user)
    entered(client, current(factor))
    page = text(pressed(client, "codes", code=recovery[0]))
    assert not any(code in page for code in recovery)
    kept = SecondFactor.objects.get().recovery
    assert len(kept) == 10
    assert digest(recovery[1]) not in kept


def test_sessions_from_before_it_was_set_up_anew_do_not_pass(client: Client, user: User) -> None:
    factor, _ = switched_on(user)
    entered(client, current(factor))
    SecondFactor.objects.all().delete()
    switched_on(user)
    assert client.get(LOOPS)["Location"].startswith("/admin/login/")


def test_one_in_force_is_not_replaced_by_beginning_anew(client: Client, user: User) -> None:
    factor, _ = switched_on(user)
    entered(client, current(factor))
    for act in ("begin", "cancel", "confirm", "explode"):
        pressed(client, act)
    stored = SecondFactor.objects.get()
    assert (stored.secret, stored.confirmed) == (factor.secret, factor.confirmed)


def test_where_it_is_required_whoever_has_none_sets_it_up_first(client: Client, settings: Settings) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    page = client.get(LOOPS, follow=True)
    assert page.redirect_chain[-1][0].startswith(PAGE)
    assert "Staff of this service log in with a second factor" in text(page)
    pressed(client, "begin")
    pressed(client, "confirm", code=current(SecondFactor.objects.get()))
    assert text(client.get(LOOPS))
    assert "Switch it off" not in text(client.get(PAGE))


def test_where_it_is_required_nobody_switches_it_off(client: Client, user: User, settings: Settings) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    factor, recovery = switched_on(user)
    entered(client, current(factor))
    pressed(client, "off", code=recovery[0])
    assert SecondFactor.objects.exists()


@pytest.mark.parametrize("page", [CODE, PAGE])
def test_its_pages_are_for_staff_who_gave_a_password(page: str) -> None:
    customer = Client()
    customer.force_login(User.objects.create_user("customer"))
    for stranger in (Client(), customer):
        for answer in (stranger.get(page), stranger.post(page, {"act": "begin"})):
            assert answer["Location"].startswith("/admin/login/")
    assert not SecondFactor.objects.exists()


def test_whoever_needs_no_code_is_not_asked_for_one() -> None:
    assert staff().get(CODE)["Location"] == "/admin/"


def test_neither_secret_nor_recovery_codes_can_be_read_from_the_table(user: User) -> None:
    factor, recovery = switched_on(user)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret, recovery::text FROM staff_secondfactor")
        row = str(cursor.fetchone())
    assert factor.secret not in row
    assert not any(code in row or code.replace("-", "") in row for code in recovery)


def test_whoever_lost_the_phone_is_let_in_again_from_the_shell(client: Client, user: User) -> None:
    switched_on(user)
    said = StringIO()
    call_command("reset_second_factor", "ann", stdout=said)
    assert "ann logs in with the password alone" in said.getvalue()
    assert text(client.get(LOOPS))
    assert log()[-1] == "The second factor was reset from the shell."


@pytest.mark.parametrize(("name", "words"), [("ann", "has no second factor"), ("nobody", "There is nobody who")])
def test_what_cannot_be_reset_is_told(user: User, name: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("reset_second_factor", name)


def test_of_two_requests_with_the_same_code_one_is_let_in(user: User) -> None:
    factor, recovery = switched_on(user)
    first, second = (SecondFactor.objects.get() for _ in range(2))
    for code in (current(factor), recovery[0]):
        assert [secondfactor.accept(each, code, now()) for each in (first, second)] == [True, False]
