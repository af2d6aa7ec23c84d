"""Mails of a program, and their sending."""

from typing import Any

from django.core.mail import EmailMultiAlternatives, get_connection

from tracking.mailbackend import OURS

HTML = '<html><body><p>Hi Ann</p><a href="https://shop.example.com/?a=1&amp;b=2">Shop</a></body></html>'


def mail(account: Any = None, to: Any = ("ann@example.com",), **values: Any) -> Any:
    """A mail as a program makes it."""
    attributes = {name: values.pop(name) for name in [*values] if name not in ("headers", "cc", "bcc")}
    made: Any = EmailMultiAlternatives(
        "Spring sale", "Hi Ann", values.pop("from_email", "Shop <shop@example.com>"), to, **values
    )
    made.attach_alternative(HTML, "text/html")
    if account:
        made.account = account
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def send(*mails: Any, fail_silently: bool = False) -> int:
    return int(get_connection(OURS, fail_silently=fail_silently).send_messages(mails) or 0)
