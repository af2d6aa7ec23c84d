"""Messages: mails that are registered, so that their pixel and links are known."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field, StringConstraints

from api.cursors import as_id
from api.operations import account_in, posts, reads
from api.problems import invalid
from api.scopes import Scope
from api.shapes import MOST, Asked, Flag, Given, IdInPath, Line, Moment, Number, Page, Text
from api.v1.lists import by_recording, the
from profiles.models import Account, Database, Profile
from tracking.messages import link_url, pixel_url, tracked_html, unsubscribe_url
from tracking.models import Message, Source
from tracking.registering import Draft, is_address, register_all
from tracking.tokens import target_problem

router = Router()

MOST_TARGETS = 1000
Tag = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=200)]
Target = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=4096)]
Address = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=320)]


class MessageIn(Given):
    """A mail to one recipient."""

    recipient: Address
    tags: list[Tag] = Field([], max_length=100)
    profile: Number | None = Field(None, description="Whose mail it is. Without it, whose address it goes to.")
    database: Number | None = Field(None, description="Where the address is looked up. Without it: in all databases.")
    subject: Line = Field("", description="For people who look for the mail; its first 250 characters are kept.")
    message_id: Line = Field("", description="The Message-ID of the mail's header.")
    track: Flag = Field(True, description="Whether it has our pixel and our links; the account has the last word.")
    html: Text | None = Field(
        None,
        description="The mail's HTML; the answer has the same with our pixel and our links, and with the link to "
        "unsubscribe in the place of `[[unsubscribe_url]]`.",
    )
    urls: list[Target] = Field([], max_length=MOST_TARGETS, description="URLs that tracked links are wanted for.")


class MessagesIn(Given):
    """Up to 1,000 mails. Their HTML, links and tags may be given once for all of them."""

    messages: list[MessageIn] = Field(min_length=1, max_length=MOST)
    html: Text | None = Field(None, description="For those that have none of their own.")
    urls: list[Target] = Field([], max_length=MOST_TARGETS, description="For those that have none of their own.")
    tags: list[Tag] = Field([], max_length=100, description="For all, besides their own.")


class MessageOut(BaseModel):
    """A message."""

    id: UUID
    recipient: str
    profile: int | None
    tags: list[str]
    subject: str
    message_id: str
    tracked: bool
    created: Moment


class Registered(MessageOut):
    """A message that was registered, with what goes into the mail."""

    pixel_url: str = Field(description="The picture whose loading is an open.")
    unsubscribe_url: str = Field(description="For the header `List-Unsubscribe`; it takes POST (RFC 8058) and GET.")
    links: list[str] = Field(description="The tracked links, in the order of `urls`.")
    html: str | None = Field(description="The HTML with our pixel and our links; as it was, where it is not tracked.")


class RegisteredList(BaseModel):
    """The messages, in the order of the request."""

    items: list[Registered]


class MessagesAsked(Asked):
    """Which messages."""

    recipient: Text | None = Field(None, max_length=320, description="Only those to this address.")


@reads(router, "/messages", Scope.MESSAGES_READ, Page[MessageOut])
def list_messages(request: HttpRequest, asked: Query[MessagesAsked]) -> Page[MessageOut]:
    """List messages, the newest first."""
    rows = messages_of(account_in(request))
    if asked.recipient is not None:
        rows = rows.alias(address=Lower("recipient")).filter(address=Lower(Value(asked.recipient.strip())))
    return by_recording(
        "messages", rows, asked, lambda message: MessageOut(**_facts(message)), as_id, newest_first=True
    )


@posts(router, "/messages", Scope.MESSAGES_WRITE, Registered, 201)
def register_message(request: HttpRequest, given: MessageIn) -> Registered:
    """Register a mail, and get its pixel, links and HTML."""
    return _registered(account_in(request), [given], MessagesIn(messages=[given], html=None, urls=[], tags=[]), "body")[
        0
    ]


@posts(router, "/messages/batch", Scope.MESSAGES_WRITE, RegisteredList, 201)
def register_messages(request: HttpRequest, given: MessagesIn) -> RegisteredList:
    """Register up to 1,000 mails, all or none."""
    return RegisteredList(items=_registered(account_in(request), given.messages, given, "body.messages"))


@reads(router, "/messages/{message}", Scope.MESSAGES_READ, MessageOut)
def get_message(request: HttpRequest, message: IdInPath) -> MessageOut:
    """See a message."""
    return MessageOut(**_facts(the(messages_of(account_in(request)), message)))


def messages_of(account: Account) -> QuerySet[Message]:
    """The messages of an account."""
    return Message.objects.filter(account=account)


def _registered(account: Account, mails: Sequence[MessageIn], shared: MessagesIn, place: str) -> list[Registered]:
    places = [place] if place == "body" else [f"{place}.{number}" for number in range(len(mails))]
    targets = [mail.urls or shared.urls for mail in mails]
    _insist_on_targets(targets, mails, places)
    drafts = _drafts(account, mails, shared, places)
    try:
        messages = register_all(drafts)
    except ValidationError as error:
        raise invalid([(place, words) for words in error.messages]) from error
    return [
        _shape(message, urls, mail.html if mail.html is not None else shared.html)
        for message, urls, mail in zip(messages, targets, mails, strict=True)
    ]


def _insist_on_targets(targets: Sequence[list[str]], mails: Sequence[MessageIn], places: Sequence[str]) -> None:
    problems = {url: problem for url in {url for urls in targets for url in urls} if (problem := target_problem(url))}
    if not problems:
        return
    faults = [
        (f"{place}.urls.{number}" if mail.urls else f"body.urls.{number}", problems[url])
        for urls, mail, place in zip(targets, mails, places, strict=True)
        for number, url in enumerate(urls)
        if url in problems
    ]
    raise invalid(list(dict.fromkeys(faults)))


def _drafts(account: Account, mails: Sequence[MessageIn], shared: MessagesIn, places: Sequence[str]) -> list[Draft]:
    """What is to be registered. Raises Problem for what is no address, or no profile or database of the account's."""
    profiles = Profile.objects.filter(account=account).in_bulk([mail.profile for mail in mails if mail.profile])
    wanted = {mail.database for mail in mails if mail.database}
    databases = set(Database.objects.filter(account=account, pk__in=wanted).values_list("pk", flat=True))
    _insist_on_sound(mails, places, profiles.keys(), databases)
    return [
        Draft(
            account=account,
            recipient=mail.recipient,
            tags=[*shared.tags, *mail.tags],
            profile=profiles[mail.profile] if mail.profile else None,
            database=mail.database,
            tracked=mail.track,
            subject=mail.subject,
            message_id=mail.message_id,
            source=Source.API,
        )
        for mail in mails
    ]


def _insist_on_sound(mails: Sequence[MessageIn], places: Sequence[str], profiles: Any, databases: set[int]) -> None:
    faults = []
    for mail, place in zip(mails, places, strict=True):
        if not is_address(mail.recipient):
            faults.append((f"{place}.recipient", "This is not an e-mail address."))
        if mail.profile and mail.profile not in profiles:
            faults.append((f"{place}.profile", "There is no such profile."))
        if mail.database and mail.database not in databases:
            faults.append((f"{place}.database", "There is no such database."))
    if faults:
        raise invalid(faults)


def _shape(message: Message, urls: Sequence[str], html: str | None) -> Registered:
    links = [link_url(message, number, url) if message.tracked else url for number, url in enumerate(urls, start=1)]
    return Registered(
        **_facts(message),
        pixel_url=pixel_url(message),
        unsubscribe_url=unsubscribe_url(message),
        links=links,
        html=None if html is None else tracked_html(html, message),
    )


def _facts(message: Message) -> dict[str, Any]:
    names = ("id", "recipient", "subject", "tracked", "created")
    facts = {name: getattr(message, name) for name in names}
    return facts | {
        "tags": list(message.tags),
        "profile": message.profile_id,
        "message_id": message.internet_message_id,
    }
