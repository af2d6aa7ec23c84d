import socket
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils.timezone import now

from feedbackloops.models import FeedbackLoop, LoopStatus
from marketingsuite.demo import stage, story
from marketingsuite.demo.customer import PROFILES, customer, new_loop, new_password
from marketingsuite.demo.inbox import Inbox
from marketingsuite.demo.printing import WIDTH, Printer
from marketingsuite.demo.receiver import Received
from marketingsuite.demo.report import Hit, Report, expected_of
from marketingsuite.demo.rest import tell_the_rest
from marketingsuite.demo.stage import DemoError, Ports, Stage
from marketingsuite.devstack import DevstackError
from profiles.models import Account, Profile
from tracking.messages import register
from tracking.rewriting import count_links, find_links

OPENED = Hit("open", "", 100.0)
CLICKED = Hit("click", "https://a.example/", 101.0)
EXPECTED = {"recipient": "ann@example.com", "tags": ["a"]}


def told(hit: Hit, after: float = 0.01, **changes: Any) -> Received:
    """The POST of a hit."""
    post = EXPECTED | ({"original": hit.original} if hit.original else {})
    made = Received(hit.at + after, "/", "e", hit.type, "1", "valid", "valid", False, False, 200, post)
    return replace(made, **changes)


def report(*posts: Received, events: int = 2) -> Report:
    return Report([OPENED, CLICKED], events, posts, EXPECTED)


def test_a_demo_in_which_nothing_is_missing_ends_with_its_counts() -> None:
    whole = report(told(CLICKED, 0.25), told(OPENED))
    assert whole.problems() == []
    assert whole.is_complete()
    assert whole.last_line() == "demo: ok - 2 events, 2 posts received, 2 signatures valid, slowest 250 ms"


def test_what_no_hit_made_is_counted_as_well() -> None:
    whole = replace(report(told(CLICKED), told(OPENED)), others=[told(OPENED), told(OPENED, signature="INVALID")])
    assert whole.last_line().startswith("demo: ok - 4 events, 4 posts received, 3 signatures valid")


@pytest.mark.django_db
def test_an_event_of_another_type_that_never_comes_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "PATIENCE_SECONDS", 0.05)
    someone = customer()
    mail = story.TrackedMail(register(someone.account, someone.address).message.pk, tmp_path / "mail.html", "", [], "")
    with pytest.raises(DemoError, match=r"no POST came for the delivery; .*for the delete of a subprofile; no POST"):
        tell_the_rest(idle_stage(tmp_path), someone, mail)


@pytest.mark.parametrize(
    ("seen", "problem"),
    [
        (report(told(OPENED)), "no POST came for the click of https://a.example/"),
        (report(told(CLICKED)), "no POST came for the open"),
        (report(told(OPENED), told(CLICKED), events=1), "2 hits were made, but 1 events are recorded"),
        (
            report(told(OPENED), told(CLICKED, signature="INVALID")),
            "the POST of the click has a signature that is INVALID",
        ),
        (report(told(OPENED, digest="missing"), told(CLICKED)), "the POST of the open has a digest that is missing"),
        (
            report(told(OPENED, post={"recipient": "ann@example.com"}), told(CLICKED)),
            "the POST of the open says None of tags, not ['a']",
        ),
    ],
)
def test_whatever_is_missing_or_wrong_is_named(seen: Report, problem: str) -> None:
    assert seen.problems() == [problem]


def test_an_open_is_no_click_and_another_link_is_another_hit() -> None:
    elsewhere = told(replace(CLICKED, original="https://b.example/"))
    seen = report(told(OPENED), elsewhere)
    assert not seen.is_complete()
    assert seen.milliseconds(elsewhere) is None


def test_a_form_says_nothing_of_what_is_empty_or_what_php_can_not_hold() -> None:
    enrichment = {"profile": 1, "database": 2, "fields": {"a]": "x", "b": "", "é": "1"}, "interests": []}
    said = expected_of("ann@example.com", ("t",), enrichment)
    assert said == {
        "recipient": "ann@example.com",
        "tags": ["t"],
        "profile": "1",
        "database": "2",
        "fields": {"b": "", "é": "1"},
    }


def test_the_inbox_gives_each_new_post_once_and_waits_for_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "receive.log"
    log.write_text(told(OPENED).to_json() + "\n")
    inbox = Inbox(log)
    line = told(CLICKED).to_json()
    with log.open("a") as file:
        file.write("a warning\n" + line[:20])
        file.flush()
        assert inbox.new() == []
        file.write(line[20:] + "\n" + line)
        file.flush()
        assert inbox.new() == [told(CLICKED)]
        assert inbox.new() == []
    assert Inbox(tmp_path / "none").new() == []


def test_a_step_is_announced_before_it_is_done_and_wraps_within_the_width() -> None:
    stream = StringIO()
    printer = Printer(stream)
    with printer.step("mail") as step:
        assert stream.getvalue() == "  mail         "
        step.say("word " * 30)
    with pytest.raises(DemoError), printer.step("web"):
        raise DemoError
    printer.line("end", "bad")
    lines = stream.getvalue().split("\n")
    assert [len(line) <= WIDTH for line in lines] == [True] * len(lines)
    assert lines[1].startswith("               word")
    assert lines[2:] == ["  web          ", "end", ""]


def test_a_terminal_gets_colours() -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    Printer(stream).post(told(OPENED, signature="INVALID"))
    Printer(stream).line("plain")
    assert stream.getvalue().startswith("\x1b[31;1m  open")
    assert stream.getvalue().endswith("\nplain\n")


@pytest.mark.django_db
def test_the_customer_is_made_once_and_used_again() -> None:
    first = customer()
    assert first.profile.fields == PROFILES[0]["fields"]
    assert first.address == "zoe.okonkwo@example.com"
    assert customer() == first
    assert (Account.objects.count(), Profile.objects.count()) == (1, len(PROFILES))
    Profile.objects.all().delete()
    assert customer().profile.fields == PROFILES[0]["fields"]


@pytest.mark.django_db
def test_a_new_demo_disables_the_loops_of_earlier_ones_and_no_others() -> None:
    account = customer().account
    own = FeedbackLoop.objects.create(account=account, name="Mine", url="http://localhost:1/", event_types=["open"])
    loops = [new_loop(account, "http://localhost:9000/script.php", now()) for _ in range(2)]
    states = [FeedbackLoop.objects.get(pk=loop.pk).status for loop in (own, *loops)]
    assert states == [LoopStatus.ACTIVE, LoopStatus.DISABLED, LoopStatus.ACTIVE]
    assert not loops[1].is_verified


@pytest.mark.django_db
def test_the_login_keeps_its_name_and_gets_a_new_password(django_user_model: Any) -> None:
    passwords = [new_password(), new_password()]
    user = django_user_model.objects.get()
    assert [user.check_password(password) for password in passwords] == [False, True]
    assert user.is_staff
    assert user.is_superuser


@pytest.mark.parametrize("port", ["abc", "0", "65536", "9" * 30])
def test_a_port_that_is_none_is_explained(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(DemoError, match="give a number from 1 to 65535"):
        stage.free_ports()


def test_busy_ports_are_stepped_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        ports = stage.free_ports()
    assert ports.web > port
    assert ports.script > ports.web


def test_the_sample_mail_has_links_of_every_kind() -> None:
    html = story.MAIL.read_text(encoding="utf-8")
    targets = [link.url for link in find_links(html)]
    assert targets[1] == "https://www.zuidwind.example/walks/dunes?length=6&unit=km#map"
    assert len(targets) == len(set(targets)) == 7
    assert count_links(html) == 12
    for oddity in ("mailto:", "tel:", "#top", "data-no-track", "<!--[if mso]>", "<!DOCTYPE"):
        assert oddity in html


def idle_stage(tmp_path: Path) -> Stage:
    return stage.build(Printer(StringIO()), Ports(1, 2), tmp_path, "")


def test_who_waits_gets_what_there_was_when_patience_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "PATIENCE_SECONDS", 0.05)
    assert idle_stage(tmp_path).wait_for(list) == []
    found = iter([0, 0, 7])
    assert idle_stage(tmp_path).wait_for(lambda: next(found)) == 7


def test_a_process_that_ends_while_it_is_waited_for_is_named(tmp_path: Path) -> None:
    waiting = idle_stage(tmp_path)
    waiting.processes.commands["failing"] = "sh -c 'echo no such table; exit 3'"
    waiting.processes.start("failing")
    with pytest.raises(DevstackError, match=r"'failing' ended with exit code 3(.|\n)*no such table"):
        waiting.wait_for(lambda: False)
    assert "no such table" in waiting.log_ends("failing")


@pytest.mark.django_db
def test_a_loop_that_nobody_looks_at_is_reported_with_the_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "PATIENCE_SECONDS", 0.05)
    loop = new_loop(customer().account, "http://localhost:9000/script.php", now())
    waiting = idle_stage(tmp_path)
    (tmp_path / "log").mkdir()
    waiting.processes.log("beat").write_text("no broker\n")
    with pytest.raises(DemoError, match=r"^Nobody looked for the verification file\.(.|\n)*beat\.log:\nno broker"):
        story.verify(waiting, loop)


@pytest.mark.django_db
def test_posts_that_never_come_are_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "PATIENCE_SECONDS", 0.05)
    mail = story.TrackedMail(uuid4(), tmp_path / "mail.html", "", [], "")
    with pytest.raises(DemoError, match="no POST came for the open; 1 hits were made, but 0 events are recorded"):
        story.wait_for_posts(idle_stage(tmp_path), customer(), mail, [OPENED])
