"""Everything that staff do to loops, done by a program."""

from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from feedbackloops import doorbell
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, LaneState, ProgramAct, Resend, TestCall
from feedbackloops.protocol.signing import generate_rsa_key
from tests.api.program import Program, faults, problem, told
from tests.dashboard import Rings, text, url
from tests.factories import make_database, make_loop, make_message, make_verified_loop, owe
from tracking.ids import derived_id

pytestmark = pytest.mark.django_db

NEW = {"name": "Shop", "url": "https://example.com/hooks/script.php", "event_types": ["open", "click"]}


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> Rings:
    heard = Rings()
    monkeypatch.setattr(doorbell, "_doorbell", lambda: heard)
    return heard


@pytest.fixture
def loop(program: Program) -> FeedbackLoop:
    return make_verified_loop(program.account)


def test_a_loop_is_made_listed_changed_and_deleted(
    program: Program, rings: Rings, django_capture_on_commit_callbacks: Any
) -> None:
    database = make_database(program.account)
    with django_capture_on_commit_callbacks(execute=True):
        made = told(program.post("/loops", NEW | {"databases": [database.pk], "rate_limit": 5}), 201)
    assert ("look", made["id"]) in rings
    assert (made["databases"], made["rate_limit"], made["is_verified"]) == ([database.pk], 5, False)
    assert made["verification_urls"][0].endswith(made["verification_file"])
    assert told(program.get("/loops?status=active"))["items"] == [made]
    assert told(program.get("/loops?status=paused"))["items"] == []
    address = f"/loops/{made['id']}"
    changed = told(program.patch(address, {"name": "Web shop", "databases": [], "status": "disabled"}))
    assert (changed["name"], changed["databases"], changed["status"]) == ("Web shop", [], "disabled")
    assert told(program.patch(address, {"rate_limit": None}))["rate_limit"] is None
    assert "secret" not in str(changed.keys() - {"two_secrets_sign"})
    told(program.delete(address), 204)
    problem(program.get(address), 404)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"url": "ftp://example.com/x"}, "body.url"),
        ({"url": "http://127.0.0.1/x"}, "body.url"),
        ({"event_types": ["explosion"]}, "body.event_types.0"),
        ({"event_types": []}, "body.event_types"),
        ({"databases": [123456789]}, "body.databases.0"),
        ({"contact": "nobody"}, "body.contact"),
        ({"in_flight_limit": 0}, "body.in_flight_limit"),
        ({"secret": "mine"}, "body.secret"),
    ],
)
def test_what_a_loop_cannot_be_is_told(program: Program, loop: FeedbackLoop, wrong: Any, where: str) -> None:
    assert faults(program.post("/loops", NEW | wrong)) == [where]
    assert faults(program.patch(f"/loops/{loop.pk}", wrong)) == [where]


def test_what_the_calls_carry_is_told_and_changed(program: Program, loop: FeedbackLoop) -> None:
    wanted = {"only_fields": ["city"], "left_out": ["recipient", "mime"]}
    changed = told(program.patch(f"/loops/{loop.pk}", wanted))
    assert {name: changed[name] for name in wanted} == wanted
    assert told(program.get(f"/loops/{loop.pk}")) == changed
    assert faults(program.patch(f"/loops/{loop.pk}", {"left_out": ["event"]})) == ["body.left_out.0"]
    assert faults(program.patch(f"/loops/{loop.pk}", {"left_out": ["fields"]})) == ["body"]


def test_a_url_in_another_place_has_to_be_verified_again(program: Program, loop: FeedbackLoop) -> None:
    assert told(program.get(f"/loops/{loop.pk}"))["is_verified"]
    assert not told(program.patch(f"/loops/{loop.pk}", {"url": "https://example.org/x.php"}))["is_verified"]


def test_the_verification_file_is_got_as_it_has_to_stand(program: Program, loop: FeedbackLoop) -> None:
    response = program.get(f"/loops/{loop.pk}/verification-file")
    assert response.content.decode() == loop.verification_content
    assert response.headers["Content-Type"] == "text/plain"
    assert loop.verification_file in response.headers["Content-Disposition"]


def test_acts_do_what_the_buttons_do(
    program: Program, loop: FeedbackLoop, rings: Rings, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert told(program.post(f"/loops/{loop.pk}/pause"))["status"] == "paused"
        LaneState.objects.filter(pk=loop.pk).update(stopped=now(), stop_reason="gone")
        assert told(program.get(f"/loops/{loop.pk}"))["lane"]["stop_reason"] == "gone"
        resumed = told(program.post(f"/loops/{loop.pk}/resume"))
        assert (resumed["status"], resumed["lane"]["stopped"]) == ("active", None)
        told(program.post(f"/loops/{loop.pk}/try-now"))
        told(program.post(f"/loops/{loop.pk}/verify"), 202)
    assert ("look", loop.pk) in rings
    assert ("deliver", loop.pk) in rings


def test_a_test_call_is_made_one_at_a_time_to_a_verified_place(
    program: Program, loop: FeedbackLoop, rings: Rings, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        made = told(program.post(f"/loops/{loop.pk}/test"), 202)
    assert [task for task, _ in rings if task == "call_test"]
    assert made["stage"] == "waiting"
    seen = told(program.get(f"/loops/{loop.pk}/tests/{made['id']}"))
    assert {name: seen[name] for name in made} == made
    assert "under way" in problem(program.post(f"/loops/{loop.pk}/test"), 409)["detail"]
    fresh = make_loop(program.account)
    assert "not verified" in problem(program.post(f"/loops/{fresh.pk}/test"), 409)["detail"]
    assert TestCall.objects.count() == 1


def test_the_secret_is_replaced_with_an_overlap_and_told_to_its_scope_only(
    program: Program, loop: FeedbackLoop
) -> None:
    before = told(program.get(f"/loops/{loop.pk}/secret"))
    assert before == {"secret": loop.secret, "previous_secret": None}
    assert told(program.post(f"/loops/{loop.pk}/rotate-secret"))["two_secrets_sign"]
    after = told(program.get(f"/loops/{loop.pk}/secret"))
    assert (after["previous_secret"], after["secret"] != loop.secret) == (loop.secret, True)
    problem(program.post(f"/loops/{loop.pk}/rotate-secret"), 409)
    assert not told(program.post(f"/loops/{loop.pk}/end-overlap"))["two_secrets_sign"]
    problem(Program(program.account, ["loops:read", "loops:write"]).get(f"/loops/{loop.pk}/secret"), 403)


def test_an_rsa_key_is_set_and_removed_and_never_told(program: Program, loop: FeedbackLoop) -> None:
    address = f"/loops/{loop.pk}/rsa-key"
    pem = generate_rsa_key()
    said = program.ask("PUT", address, {"key_id": "key.example.com", "private_key": pem})
    assert told(said)["record"].startswith("v=DKIM1")
    assert "PRIVATE" not in said.content.decode()
    assert FeedbackLoop.objects.get().rsa_private_key == pem
    assert faults(program.ask("PUT", address, {"key_id": "key.example.com", "private_key": "x"})) == [
        "body.rsa_private_key"
    ]
    told(program.delete(address), 204)
    assert FeedbackLoop.objects.get().rsa_key_id == ""


@pytest.fixture
def delivery(loop: FeedbackLoop) -> Delivery:
    owe(make_message(account=loop.account), 3)
    return Delivery.objects.order_by("-pk")[0]


def test_deliveries_are_listed_the_newest_first_and_narrowed(program: Program, delivery: Delivery) -> None:
    ids = [str(id) for id in Delivery.objects.order_by("-pk").values_list("pk", flat=True)]
    first = told(program.get("/deliveries?size=2"))
    rest = told(program.get(f"/deliveries?size=2&cursor={first['next']}"))
    assert [each["id"] for each in first["items"] + rest["items"]] == ids
    assert told(program.get(f"/deliveries?loop={delivery.loop_id}&state=pending&event={delivery.event_id}"))[
        "items"
    ] == [told(program.get(f"/deliveries/{delivery.pk}"))]
    assert told(program.get("/deliveries?state=given_up"))["items"] == []
    assert told(program.get("/deliveries?until=2020-01-01T00:00:00Z"))["items"] == []
    assert len(told(program.get("/deliveries?since=2020-01-01T00:00:00Z"))["items"]) == 3
    assert faults(program.get("/deliveries?since=0001-01-01T00:00:00Z")) == ["query.since"]


def test_a_delivery_is_sent_now_cancelled_and_sent_again(
    program: Program, delivery: Delivery, rings: Rings, django_capture_on_commit_callbacks: Any
) -> None:
    address = f"/deliveries/{delivery.pk}"
    problem(program.post(f"{address}/send-again"), 409)
    with django_capture_on_commit_callbacks(execute=True):
        assert told(program.post(f"{address}/send-now"), 202)["state"] == "pending"
    assert ("deliver", delivery.loop_id) in rings
    assert told(program.post(f"{address}/cancel"))["state"] == "cancelled"
    problem(program.post(f"{address}/cancel"), 409)
    problem(program.post(f"{address}/send-now"), 409)
    again = program.post(f"{address}/send-again", Idempotency_Key="k")
    assert told(again, 202)["state"] == "pending"
    assert told(program.post(f"{address}/send-again", Idempotency_Key="k"), 202) == told(again, 202)


def test_all_that_failed_since_a_moment_is_sent_again(
    program: Program, delivery: Delivery, rings: Rings, django_capture_on_commit_callbacks: Any
) -> None:
    Delivery.objects.update(state="given_up")
    with django_capture_on_commit_callbacks(execute=True):
        asked = told(program.post(f"/loops/{delivery.loop_id}/resends", {"since": "2026-01-01T00:00:00Z"}), 202)
    assert (asked["states"], asked["expected"], asked["finished"]) == (["given_up"], 3, None)
    assert ("send_again", asked["id"]) in rings
    assert told(program.get(f"/loops/{delivery.loop_id}/resends/{asked['id']}")) == asked
    assert Resend.objects.count() == 1
    for since in ("2100-01-01T00:00:00Z", "1960-01-01T00:00:00Z"):
        assert faults(program.post(f"/loops/{delivery.loop_id}/resends", {"since": since})) == ["body.since"]


def test_attempts_are_told_with_their_answers(program: Program, delivery: Delivery) -> None:
    facts = {"account_id": delivery.account_id, "loop_id": delivery.loop_id, "number": 1, "outcome": "rejected"}
    attempt = Attempt.objects.create(
        id=derived_id(delivery.pk, 1), delivery=delivery, started=now(), answer=b"\xff", status=404, **facts
    )
    (told_of,) = told(program.get(f"/deliveries/{delivery.pk}/attempts"))["items"]
    assert (told_of["status"], told_of["answer"], told_of["delivery"]) == (404, "/w==", str(delivery.pk))
    assert told(program.get(f"/attempts/{attempt.pk}")) == told_of
    assert told(program.get(f"/attempts?delivery={delivery.pk}&loop={delivery.loop_id}"))["items"] == [told_of]
    assert told(program.get(f"/attempts?delivery={attempt.pk}"))["items"] == []


def test_a_loop_that_was_owed_anything_is_not_deleted(program: Program, delivery: Delivery) -> None:
    problem(program.delete(f"/loops/{delivery.loop_id}"), 409)


def test_what_programs_do_is_in_the_history_of_the_loop(
    program: Program, delivery: Delivery, admin_client: Client, rings: Rings
) -> None:
    number = delivery.loop_id
    told(program.patch(f"/loops/{number}", {"name": "Shop two", "people_only": True}))
    told(program.patch(f"/loops/{number}", {"name": "Shop two"}))
    told(program.post(f"/loops/{number}/pause"))
    told(program.post(f"/loops/{number}/pause"))
    told(program.post(f"/loops/{number}/rotate-secret"))
    told(program.ask("PUT", f"/loops/{number}/rsa-key", {"key_id": "key.example.com"}))
    for _ in range(2):
        told(program.get(f"/loops/{number}/secret"))
    told(program.post(f"/deliveries/{delivery.pk}/cancel"))
    for page in ("change", "history"):
        shown = text(admin_client.get(url("feedbackloops_feedbackloop", page, number)))
        assert "API: A program (…" in shown
        assert "<ins>Shop two</ins>" in shown
        assert shown.count("Paused.") == 1
        assert shown.count("Looked at the signing secret.") == 1
        assert all(
            words in shown for words in ("Replaced the signing secret", "Set the RSA key", "Cancelled deliveries")
        )
    assert ProgramAct.objects.count() == 6
