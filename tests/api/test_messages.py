from collections.abc import Callable
from typing import Any

import pytest

from profiles.models import Account
from tests.api.program import Program, faults, problem, told
from tests.factories import make_account, make_database, make_profile
from tests.promptness import within
from tracking.models import Message, Source

HTML = '<body><a href="https://example.com/a">a</a></body>'


def a_mail_of_20_kb(number: int) -> str:
    style = "margin:0;padding:20px 0;font-family:Arial,Helvetica,sans-serif;font-size:14px;line-height:20px"
    link = f'<a href="https://shop.example.com/spring?utm_source=mail&amp;n={number}" style="{style}">Shoes</a>'
    text = f'<p style="{style}">{"Lorem ipsum. " * 40}</p>'
    row = f'<tr><td align="center" style="{style}">{text}{link}</td></tr>'
    return f"<html><body><table>{row * 20}</table></body></html>"


def test_a_mail_is_registered_and_its_html_comes_back_tracked(program: Program) -> None:
    profile = make_profile(make_database(program.account), email="ann@example.com")
    given = {"recipient": "ann@example.com", "tags": ["spring"], "subject": "Hello", "html": HTML}
    made = told(program.post("/messages", given), 201)
    assert (made["profile"], made["tags"], made["tracked"]) == (profile.pk, ["spring"], True)
    assert made["pixel_url"] in made["html"]
    assert "https://example.com/a" not in made["html"]
    assert made["unsubscribe_url"].startswith("http")
    stored = Message.objects.get()
    assert (str(stored.pk), stored.source, stored.subject) == (made["id"], Source.API, "Hello")
    seen = told(program.get(f"/messages/{made['id']}"))
    assert seen == {name: value for name, value in made.items() if name in seen}


def test_links_are_made_without_any_html(program: Program) -> None:
    made = told(program.post("/messages", {"recipient": "ann@example.com", "urls": ["https://example.com/"]}), 201)
    assert "/c/" in made["links"][0]
    assert made["html"] is None


def test_a_mail_that_is_not_tracked_keeps_its_html_and_links(program: Program) -> None:
    given = {"recipient": "ann@example.com", "html": HTML, "urls": ["https://example.com/"]}
    made = told(program.post("/messages", {**given, "track": False}), 201)
    assert (made["html"], made["links"], made["tracked"]) == (HTML, ["https://example.com/"], False)
    Account.objects.update(tracks_mail=False)
    assert told(program.post("/messages", given), 201)["html"] == HTML


def test_messages_are_found_by_recipient_the_newest_first(program: Program) -> None:
    made = [told(program.post("/messages", {"recipient": f"{name}@example.com"}), 201)["id"] for name in "aba"]
    found = told(program.get("/messages?recipient=A@example.com"))["items"]
    assert [each["id"] for each in found] == [made[2], made[0]]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"recipient": "nobody"}, "body.messages.1.recipient"),
        ({"urls": ["ftp://example.com"]}, "body.messages.1.urls.0"),
        ({"profile": 123456789}, "body.messages.1.profile"),
        ({"database": 123456789}, "body.messages.1.database"),
        ({"subject": "a\0b"}, "body.messages.1.subject"),
    ],
)
def test_of_a_batch_all_are_registered_or_none(program: Program, wrong: Any, where: str) -> None:
    good = {"recipient": "ann@example.com"}
    assert faults(program.post("/messages/batch", {"messages": [good, good | wrong]})) == [where]
    assert not Message.objects.exists()


def test_of_very_many_faults_the_first_hundred_are_named(program: Program) -> None:
    answer = program.post("/messages/batch", {"messages": [{"recipient": "nobody", "profile": 123456789}] * 60})
    assert len(faults(answer)) == 100
    assert answer.json()["detail"] == "120 things in the request can't be as they are; errors names the first 100."


def test_what_is_given_once_is_for_all_that_have_none_of_their_own(program: Program) -> None:
    own = {"recipient": "bob@example.com", "html": "<p>Own</p>", "tags": ["b"], "urls": ["https://example.com/b"]}
    batch = {"messages": [{"recipient": "ann@example.com"}, own], "html": HTML, "tags": ["a"]}
    first, second = told(program.post("/messages/batch", batch), 201)["items"]
    assert (first["tags"], second["tags"]) == (["a"], ["a", "b"])
    assert "Own" in second["html"]
    assert "<body>" in first["html"]
    assert faults(program.post("/messages/batch", batch | {"urls": ["x"]})) == ["body.urls.0"]


def thousand(**given: Any) -> list[dict[str, Any]]:
    return [{"recipient": f"u{number}@example.com", **given} for number in range(1000)]


def with_html_of_their_own() -> dict[str, Any]:
    """As many as fit into what is taken at once."""
    return {"messages": [mail | {"html": a_mail_of_20_kb(at)} for at, mail in enumerate(thousand()[:350])]}


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"messages": thousand(urls=["https://example.com/a"])},
        lambda: {"messages": thousand(), "html": a_mail_of_20_kb(0)},
        with_html_of_their_own,
    ],
    ids=["links", "one HTML", "an HTML each"],
)
def test_a_thousand_messages_take_less_than_a_second(program: Program, make: Callable[[], dict[str, Any]]) -> None:
    batch = make()
    make_profile(make_database(program.account), email="u5@example.com")
    told(program.post("/messages", batch["messages"][0]), 201)
    with within(1.0):
        response = program.post("/messages/batch", batch)
    made = told(response, 201)["items"]
    assert len(made) == len(batch["messages"])
    assert made[5]["profile"]
    assert {(each["html"] or "").count("/c/") + len(each["links"]) for each in made} in ({1}, {20})


def test_a_message_of_another_account_is_not_there(program: Program) -> None:
    other = told(Program(make_account()).post("/messages", {"recipient": "ann@example.com"}), 201)
    problem(program.get(f"/messages/{other['id']}"), 404)
