import logging
import stat
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import Error, connection

from marketingsuite.devstack import Stack, any_free_port
from tests.dashboard import opened, staff, submitted, text, url
from tests.promptness import within
from tests.tracking.samples import ACCOUNT, MESSAGE, click_url, pixel_url, request, wait_until
from tests.tracking.site import site
from tracking.blocks import Blocks, blocks
from tracking.models import Block, Event
from tracking.tokens import Link
from tracking.views import DEAD_LINK, PIXEL

PAGE = "tracking_block"
LINK = Link(ACCOUNT, MESSAGE, 1, "https://example.com/")
# One of each kind that stops the links of the samples.
BLOCKS = [("message", str(MESSAGE)), ("account", str(ACCOUNT)), ("target", "example.com")]


def block(kind: str = "message", value: str = str(MESSAGE)) -> Block:
    return Block.objects.create(kind=kind, value=value, reason="Phishing")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "var" / "blocks.json"


@pytest.mark.parametrize(("kind", "value"), BLOCKS)
def test_a_blocked_link_leads_nowhere_and_is_no_event(kind: str, value: str, spool_folder: Path) -> None:
    made = block(kind, value)
    blocks().refresh()
    for method, body in (("GET", DEAD_LINK), ("HEAD", b"")):
        answer = request(click_url(), method)
        assert (answer.status, answer.body) == (410, body)
        assert "Location" not in answer.headers
        assert "no-store" in answer.headers["Cache-Control"]
    made.delete()
    blocks().refresh()
    assert request(click_url(2)).status == 302
    wait_until(Event.objects.exists)
    assert Event.objects.get().data["link"] == 2


@pytest.mark.parametrize(("kind", "value"), BLOCKS[:2])
def test_a_blocked_pixel_is_a_picture_and_no_event(kind: str, value: str, spool_folder: Path) -> None:
    made = block(kind, value)
    blocks().refresh()
    answer = request(pixel_url())
    assert (answer.status, answer.body) == (200, PIXEL)
    made.delete()
    blocks().refresh()
    request(click_url())
    wait_until(Event.objects.exists)
    assert Event.objects.get().type == "click"


@pytest.mark.django_db
def test_each_change_is_taken_over_and_kept_in_a_file_for_this_user_only(file: Path) -> None:
    current = Blocks(file)
    assert not current.current.blocks(LINK)
    made = block()
    current.refresh()
    assert current.current.blocks(LINK)
    assert Blocks(file).current.blocks(LINK)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    made.delete()
    block("account", "8")
    current.refresh()
    assert current.current == Blocks(file).current
    assert not current.current.blocks(LINK)
    assert [path.name for path in file.parent.iterdir()] == ["blocks.json"]


@pytest.mark.django_db
def test_while_nothing_changes_neither_the_list_nor_the_file_is_made_again(file: Path) -> None:
    block()
    current = Blocks(file)
    current.refresh()
    before, written = current.current, file.stat().st_mtime_ns
    current.refresh()
    assert current.current is before
    assert file.stat().st_mtime_ns == written


@pytest.mark.django_db(transaction=True)
def test_without_a_database_the_last_list_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block()
    current = Blocks(file)
    current.refresh()
    connection.close()
    with monkeypatch.context() as elsewhere:
        elsewhere.setitem(connection.settings_dict, "PORT", str(any_free_port()))
        with pytest.raises(Error):
            current.refresh()
        assert current.current.blocks(LINK)
        assert Blocks(file).current.blocks(LINK)
    Block.objects.all().delete()
    current.refresh()
    assert not current.current.blocks(LINK)


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"blocks": [["message", "no id"]]}'])
def test_a_damaged_file_is_told_of_and_blocks_nothing(
    file: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with caplog.at_level(logging.ERROR):
        assert not Blocks(file).current.blocks(LINK)
    assert str(file) in caplog.text


@pytest.mark.django_db
def test_where_no_file_can_be_written_the_list_holds_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "var").touch()
    block()
    current = Blocks(tmp_path / "var" / "blocks.json")
    for _ in range(3):
        current.refresh()
    assert current.current.blocks(LINK)
    assert caplog.text.count("can't be kept in") == 1


def test_a_block_takes_effect_within_seconds_and_outlives_a_start_without_postgres(
    stack: Stack, tmp_path: Path
) -> None:
    with site(stack, tmp_path) as place:
        place.start_web()
        assert place.status(click_url()) == 302
        place.run("INSERT INTO tracking_block (kind, value, reason, created) VALUES ('account', '7', 'x', now())")
        with within(5):
            wait_until(lambda: place.status(click_url()) == 410, 60)
        wait_until(lambda: '"account"' in (tmp_path / "blocks.json").read_text())
        place.processes.kill("web")
        with place.frozen():
            place.start_web()
            assert place.status(click_url()) == 410
        place.run("DELETE FROM tracking_block")
        wait_until(lambda: place.status(click_url()) == 302, 10)


@pytest.mark.django_db
def test_staff_block_and_unblock() -> None:
    client = staff("tracking.view_block", "tracking.add_block", "tracking.delete_block")
    typed = {"kind": "target", "value": " BÜCHER.example", "reason": "Phishing"}
    text(submitted(client, PAGE, opened(client, PAGE), **typed))
    made = Block.objects.get()
    assert (made.kind, made.value, made.reason) == ("target", "xn--bcher-kva.example", "Phishing")
    assert made.created_by == client.get(url(PAGE, "changelist")).context["user"]
    assert "xn--bcher-kva.example" in text(client.get(url(PAGE, "changelist"), {"q": "phish"}))
    client.post(url(PAGE, "delete", made.pk), {"post": "yes"})
    assert not Block.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"kind": "target", "value": "example.com/shop", "reason": "x"}, "a host alone"),
        ({"kind": "account", "value": "Acme", "reason": "x"}, "number"),
        ({"kind": "message", "value": str(MESSAGE).upper(), "reason": "x"}, "This is blocked already."),
        ({"kind": "target", "value": "https://example.com/" + "é" * 900, "reason": "x"}, "at most 1000 characters"),
        ({"kind": "message", "value": str(uuid4()), "reason": ""}, "This field is required."),
    ],
)
def test_a_block_that_can_not_be_made_is_refused_in_words(typed: dict[str, str], words: str) -> None:
    block()
    client = staff("tracking.view_block", "tracking.add_block")
    assert words in text(submitted(client, PAGE, opened(client, PAGE), **typed))
    assert Block.objects.count() == 1


@pytest.mark.django_db
def test_only_the_reason_of_a_block_can_be_changed() -> None:
    made = block()
    client = staff("tracking.view_block", "tracking.change_block")
    form = opened(client, PAGE, made.pk)
    text(submitted(client, PAGE, form, made.pk, kind="account", value="8", reason="Asked for by the customer"))
    made.refresh_from_db()
    assert (made.kind, made.value, made.reason) == ("message", str(MESSAGE), "Asked for by the customer")


@pytest.mark.django_db
def test_without_the_right_nobody_blocks() -> None:
    client = staff("tracking.view_message")
    assert client.get(url(PAGE, "changelist")).status_code == 403
    assert client.get(url(PAGE, "add")).status_code == 403
    assert "Blocked links" not in text(client.get(url("tracking_message", "changelist")))


@pytest.mark.django_db
def test_a_value_that_could_not_be_compared_is_not_stored() -> None:
    with pytest.raises(ValidationError):
        block("account", "Acme")
