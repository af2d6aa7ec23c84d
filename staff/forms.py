"""The forms that let staff in, each with a limit to how often it may be tried."""

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any
from unicodedata import normalize

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from staff import secondfactor, throttle
from staff.models import SecondFactor
from staff.throttle import Limit
from tracking.hits import Visitor, client_address

WRONG_CODE = _("This code does not fit. Wait for the next one; see that the phone sets its clock by the network.")


def address_of(request: HttpRequest) -> str:
    """Where the request comes from, seen through TRUSTED_PROXIES proxies; the /64 of an IPv6 address, "" unknown."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR")
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode("latin-1", "replace"))]
    visitor = Visitor(request.META.get("REMOTE_ADDR") or "", headers)
    address = client_address(visitor, settings.TRUSTED_PROXIES) or ""
    return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address


def wait_words(seconds: int) -> str:
    """How long to wait, in words that fit seconds and hours."""
    minutes = -(-seconds // 60)
    words = ngettext(
        "Too many tries. Please try again in a minute.",
        "Too many tries. Please try again in %(count)d minutes.",
        minutes,
    )
    return words % {"count": minutes}


class Throttled:
    """A form that counts its tries; `wait` are the seconds until another one is looked at, 0 while tries are left."""

    wait = 0

    def limit_tries(self, limits: Sequence[Limit]) -> None:
        """Raise ValidationError, with how long to wait, when there were too many."""
        self.wait = throttle.take(limits)
        if self.wait:
            raise ValidationError(wait_words(self.wait), code="throttled")


class LoginForm(Throttled, AuthenticationForm):  # type: ignore[misc]  # unfold carries no types
    """Name and password. Unknown names take as long as wrong passwords: Django hashes for both."""

    def clean(self) -> dict[str, Any]:
        limits = self._limits(str(self.cleaned_data.get("username", "")))
        self.limit_tries(limits)
        cleaned: dict[str, Any] = super().clean()
        throttle.give_back(limits)
        return cleaned

    def _limits(self, username: str) -> list[Limit]:
        return [
            Limit("user", normalize("NFKC", username).casefold(), settings.LOGIN_TRIES_PER_USER),
            Limit("address", address_of(self.request), settings.LOGIN_TRIES_PER_ADDRESS),
        ]


class CodeForm(Throttled, forms.Form):
    """A code of the authenticator, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_("Six digits from your authenticator, or one of your recovery codes."),
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": "", "spellcheck": "false"}
        ),
    )

    def __init__(self, factor: SecondFactor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.factor = factor

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"])
        limits = [Limit("code", str(self.factor.pk), settings.LOGIN_TRIES_PER_USER)]
        self.limit_tries(limits)
        if not self.accepts(code):
            raise ValidationError(WRONG_CODE)
        throttle.give_back(limits)
        return code

    def accepts(self, code: str) -> bool:
        """Whether it fits; it can't be used again then."""
        return secondfactor.accept(self.factor, code, now())


class ConfirmForm(CodeForm):
    """The first code of a new secret. Once it fits, `recovery_codes` are there to be shown."""

    recovery_codes: Sequence[str] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = _("Six digits, as your authenticator shows them now.")

    def accepts(self, code: str) -> bool:
        self.recovery_codes = secondfactor.confirm(self.factor, code, now()) or ()
        return bool(self.recovery_codes)
