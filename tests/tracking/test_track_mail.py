import io
import re
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from profiles.imports import import_profiles
from profiles.models import Account, Database, Profile
from tracking.management.commands import track_mail
from tracking.models import Message
from tracking.rewriting import find_links

pytestmark = pytest.mark.django_db

# CRLF, a lone CR, Latin-1 bytes in the text and in a link, a NUL, UTF-8 in a link.
MAIL = (
    b'<!doctype html>\r\n<p title="caf\xe9">\xff\xfe\0 na\xc3\xafve\r'
    b'<a href="https://shop.example/a?b=1&amp;c=2">A</a>\n<a href="https://shop.example/\xc3\xa9">B</a>'
    b'<a href="https://shop.example/\xe9">C</a><a name="x">D</a><a href="mailto:a@b.example">E</a></body>\r\n'
)
LINK = re.compile(rb'http://localhost:8000/c/[\w-]+|<img src="http://localhost:8000/o/[^>]*>')


@pytest.fixture
def account() -> Account:
    return Account.objects.create(name="Shop & Co")


@pytest.fixture
def mail(tmp_path: Path) -> str:
    path = tmp_path / "mail.html"
    path.write_bytes(MAIL)
    return str(path)


def run(*arguments: str) -> str:
    """What the command says on standard error."""
    errors = io.StringIO()
    call_command("track_mail", *arguments, stderr=errors)
    return errors.getvalue()


def test_the_tracked_mail_goes_to_standard_output_with_every_other_byte_as_it_was(
    account: Account, mail: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    run(mail, "--account", "Shop & Co", "--recipient", "ann@example.com")
    tracked = capsysbinary.readouterr().out
    targets = [b"https://shop.example/a?b=1&amp;c=2", b"https://shop.example/\xc3\xa9", b""]
    assert len(LINK.findall(tracked)) == 3
    assert LINK.sub(lambda _: targets.pop(0), tracked) == MAIL


def test_the_message_is_registered_with_all_that_was_said_of_it(account: Account, mail: str, tmp_path: Path) -> None:
    database = Database.objects.create(account=account, name="People")
    (profile,) = import_profiles(database, [{}])
    options = ["--profile", str(profile.pk), "--tag", "a b", "--tag", "ü", "--output", str(tmp_path / "out.html")]
    summary = run(mail, "--account", str(account.pk), "--recipient", "ann@example.com", *options)
    message = Message.objects.get()
    assert (message.account, message.profile, message.tags) == (account, profile, ["a b", "ü"])
    pixel = find_pixel((tmp_path / "out.html").read_bytes())
    assert summary == f"message  {message.pk}\npixel    {pixel}\nlinks    2 tracked, 2 left alone\n"


def find_pixel(html: bytes) -> str:
    found = re.search(rb'<img src="(http://localhost:8000/o/[\w-]+\.gif)"', html)
    assert found
    return found[1].decode()


def test_a_mail_is_read_from_standard_input(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'<a href="https://shop.example/">A</a>')))
    run("-", "--account", "Shop & Co", "--recipient", "ann@example.com")
    assert find_links(capsysbinary.readouterr().out.decode())[0].url.startswith("http://localhost:8000/c/")


def test_an_account_that_is_named_like_a_number_is_found_by_its_name(account: Account, mail: str) -> None:
    namesake = Account.objects.create(name=str(account.pk))
    run(mail, "--account", namesake.name, "--recipient", "ann@example.com", "--output", "/dev/null")
    assert Message.objects.get().account == namesake


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["/nowhere/mail.html"], "The mail /nowhere/mail.html can't be read: No such file or directory."),
        (["--account", "Nobody"], "There is no account 'Nobody'; give the name or the number of one."),
        (["--account", "9" * 30], "There is no account '999999"),
        (["--recipient", "ann"], "'ann' is not an e-mail address."),
        (["--recipient", "ann@example.com\n"], "is not an e-mail address."),
        (["--recipient", "a" * 320 + "@example.com"], "The recipient: Ensure this value has at most 320 characters"),
        (["--profile", "987654"], "There is no profile 987654."),
        (["--tag", "\udce9"], "holds half of a surrogate pair"),
        (["--tag", "t" * 201], "The tags: Item 1 in the array did not validate: "),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_and_nothing_is_registered(
    account: Account, mail: str, arguments: list[str], says: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    usual = {"--account": "Shop & Co", "--recipient": "ann@example.com"}
    name, *option = arguments if len(arguments) == 1 else [mail, *arguments]
    usual |= dict([option]) if option else {}
    with pytest.raises(CommandError) as error:
        run(name, *(word for pair in usual.items() for word in pair))
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert not Message.objects.exists()
    assert capsysbinary.readouterr().out == b""


def test_another_accounts_profile_is_refused(account: Account, mail: str) -> None:
    database = Database.objects.create(account=Account.objects.create(name="Another"), name="People")
    (profile,) = import_profiles(database, [{}])
    with pytest.raises(CommandError, match="belongs to another account"):
        run(mail, "--account", "Shop & Co", "--recipient", "ann@example.com", "--profile", str(profile.pk))
    assert Profile.objects.exists()
    assert not Message.objects.exists()


def test_a_mail_in_utf_16_is_refused(account: Account, tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text("<a href='https://shop.example/'>A</a>", encoding="utf-16")
    with pytest.raises(CommandError, match="save it as UTF-8"):
        run(str(tmp_path / "mail.html"), "--account", "Shop & Co", "--recipient", "ann@example.com")


def test_an_output_that_can_not_be_written_is_said_in_a_sentence(account: Account, mail: str) -> None:
    with pytest.raises(CommandError, match=r"can't be written to /nowhere/out\.html: No such file or directory\."):
        run(mail, "--account", "Shop & Co", "--recipient", "ann@example.com", "--output", "/nowhere/out.html")


@given(content=st.binary())
def test_reading_and_writing_keep_every_byte(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "mail"
    path.write_bytes(b"<" + content)
    track_mail._write(str(path), track_mail._read(str(path)))
    assert path.read_bytes() == b"<" + content
