"""Mails of Django's → messages, in sets: whose they are and to whom they go is looked up once for all of them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import idna
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db.models import Q

from profiles.addresses import bare_address, normal_address
from profiles.models import Account, Database
from tracking.mailoptions import MailOptions, options_of
from tracking.models import Message, Source
from tracking.outgoing import has_html, has_passed, header_of
from tracking.registering import Draft, register_all

# What is wrong with a mail, and not with us.
REFUSALS = (ValueError, TypeError, ValidationError)
_BIGGEST = 2**63 - 1


class Registered(NamedTuple):
    """A mail with what it says of itself, and the message to each of its recipients as the mail names them.

    There is none where the mail is of no account, or was registered before.
    """

    mail: EmailMessage
    options: MailOptions
    messages: list[tuple[str, Message]]


def register_mails(mails: Sequence[EmailMessage], default_account: str = "") -> list[Registered]:
    """Register each mail for each of its recipients, all or none; `default_account` has those that name no account.

    Raises ValueError or ValidationError, saying which mail and why, and django.db.Error when the database is away.
    """
    said = [_options(mail, default_account) for mail in mails]
    accounts = _named(Account.objects.all(), (options.account for options in said))
    owners = [_owner(mail, options, accounts) for mail, options in zip(mails, said, strict=True)]
    databases = _databases(owners, said)
    recipients = [_recipients(mail) if owner else [] for mail, owner in zip(mails, owners, strict=True)]
    drafts = [
        _draft(mail, options, owner, recipient, databases)
        for mail, options, owner, each in zip(mails, said, owners, recipients, strict=True)
        for recipient in each
        if owner
    ]
    messages = iter(register_all(drafts))
    return [
        Registered(mail, options, [(recipient, next(messages)) for recipient in each])
        for mail, options, each in zip(mails, said, recipients, strict=True)
    ]


def _options(mail: EmailMessage, default_account: str) -> MailOptions:
    try:
        options = options_of(mail)
    except ValueError as error:
        raise ValueError(f"{_called(mail)}: {error}") from error
    return options if options.account != "" else replace(options, account=default_account)


def _owner(mail: EmailMessage, options: MailOptions, accounts: dict[str, Account]) -> Account | None:
    if has_passed(mail):
        return None
    if isinstance(options.account, Account) or options.account == "":
        return options.account or None
    owner = accounts.get(str(options.account))
    if owner is None:
        raise ValueError(f"{_called(mail)}: there is no account {str(options.account)!r:.80}; give a name or a number.")
    return owner


def _databases(owners: Sequence[Account | None], said: Sequence[MailOptions]) -> dict[tuple[int, str], Database]:
    """The databases that are named, by their account and how they are named."""
    found: dict[tuple[int, str], Database] = {}
    for account in {owner for owner in owners if owner}:
        named = (options.database for options, owner in zip(said, owners, strict=True) if owner == account)
        rows = _named(Database.objects.filter(account=account), named)
        found |= {(account.pk, name): database for name, database in rows.items()}
    return found


def _named(rows: Any, given: Iterable[Any]) -> dict[str, Any]:
    """Rows by name, else by number; no query where nothing is named."""
    names = {str(each) for each in given if isinstance(each, str | int) and each != ""}
    numbers = {int(name) for name in names if name.isascii() and name.isdigit() and int(name[:20]) <= _BIGGEST}
    found = list(rows.filter(Q(name__in=names) | Q(pk__in=numbers))) if names else []
    return {str(row.pk): row for row in found} | {row.name: row for row in found}


def _recipients(mail: EmailMessage) -> list[str]:
    """Each recipient once, as the mail names them."""
    return list({normal_address(str(each)): str(each) for each in reversed(mail.recipients())}.values())[::-1]


def _draft(
    mail: EmailMessage,
    options: MailOptions,
    owner: Account,
    recipient: str,
    databases: dict[tuple[int, str], Database],
) -> Draft:
    return Draft(
        account=owner,
        recipient=bare_address(recipient) or recipient,
        tags=options.tags,
        profile=getattr(mail, "profile", None),
        database=_database(mail, options, owner, databases),
        tracked=options.tracking and has_html(mail),
        subject=str(mail.subject),
        message_id=header_of(mail, "Message-ID"),
        message_domain=_domain(mail),
        source=Source.DJANGO_MAIL,
    )


def _database(
    mail: EmailMessage, options: MailOptions, owner: Account, databases: dict[tuple[int, str], Database]
) -> int | None:
    if options.database == "":
        return None
    if isinstance(options.database, Database):
        return options.database.pk
    database = databases.get((owner.pk, str(options.database)))
    if database is None:
        raise ValueError(f"{_called(mail)}: {owner} has no database {str(options.database)!r:.80}.")
    return database.pk


def _domain(mail: EmailMessage) -> str:
    """The part of a Message-ID behind the @ (RFC 5322, 3.6.4): the sender's domain."""
    domain = bare_address(str(mail.from_email)).rpartition("@")[2]
    try:
        return idna.encode(domain, uts46=True).decode("ascii") if domain else "localhost"
    except idna.IDNAError:
        return "localhost"


def _called(mail: EmailMessage) -> str:
    return f"The mail {str(mail.subject)!r:.80}"
