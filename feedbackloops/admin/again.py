"""The page on which much of a loop is sent again: choose, see how many that are, confirm."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSplitDateTimeWidget

from feedbackloops import resending
from feedbackloops.models import DeliveryState, FeedbackLoop, Resend
from feedbackloops.resending import ENDED, MOST_COUNTED
from feedbackloops.words import hold_of, resend_words

RIGHT = "feedbackloops.change_delivery"
TEMPLATE = "admin/feedbackloops/feedbackloop/again.html"
# No id is older.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AgainForm(forms.Form):
    """Which of a loop's deliveries are to be sent again."""

    # What is to come is not chosen.
    ahead = timedelta()
    since: forms.Field = forms.SplitDateTimeField(
        widget=UnfoldAdminSplitDateTimeWidget(),
        label=_("Events from"),
        help_text=_("When they happened. What is given up, delivered or cancelled is kept as long as the history."),
    )
    until: forms.Field = forms.SplitDateTimeField(
        widget=UnfoldAdminSplitDateTimeWidget(), label=_("to"), required=False, help_text=_("Empty: until now.")
    )
    states = forms.MultipleChoiceField(
        choices=[(state.value, state.label) for state in ENDED],
        initial=[DeliveryState.GIVEN_UP],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        label=_("Deliveries that were"),
        help_text=_("A script that keeps the ids of events notices what it has had before."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        cleaned["until"] = min(cleaned.get("until") or now(), now() + self.ahead)
        since = cleaned.get("since")
        if since and since < EPOCH:
            raise ValidationError(_("Nothing is that old: choose a day after 1970."))
        if since and since >= cleaned["until"]:
            raise ValidationError(_("It ends before it begins: choose a later end, or an earlier start."))
        return cleaned


class MomentField(forms.DateTimeField):
    """A moment with its offset (ISO 8601), in UTC: PostgreSQL takes no offset of sixteen hours or more."""

    def clean(self, value: Any) -> Any:
        """The moment. Raises ValidationError."""
        moment = super().clean(value)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class ConfirmedForm(AgainForm):
    """The same as it was counted, in moments that no clock shows twice."""

    # It was counted by the clock of another machine, perhaps.
    ahead = timedelta(minutes=1)
    since = MomentField()
    until = MomentField()


def again_page(request: HttpRequest, loop: FeedbackLoop, context: dict[str, Any]) -> HttpResponse | Resend:
    """The form, the same with a count to confirm, or the resend that was confirmed. Raises PermissionDenied."""
    if not request.user.has_perm(RIGHT):
        raise PermissionDenied
    if "confirmed" in request.POST:
        confirmed = ConfirmedForm(request.POST)
        if confirmed.is_valid():
            return _confirmed(loop, confirmed.cleaned_data, request.POST["confirmed"]) or _refused(request, loop)
        messages.warning(request, gettext("That can't be confirmed: look at what is chosen, and count anew."))
        form = AgainForm(initial=confirmed.cleaned_data)
    else:
        form = AgainForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        context |= _to_confirm(loop, form.cleaned_data)
    # What was left empty is fixed by the count: what comes in while somebody reads it is not part of it.
    title = gettext("Send again: %(name)s") % {"name": loop.name}
    context |= {"form": form, "loop": loop, "title": title, "hold": hold_of(loop, now())}
    return TemplateResponse(request, TEMPLATE, context)


def begun_words(resend: Resend) -> str:
    """What to tell whoever has confirmed a resend."""
    told = {"resend": resend_words(resend)}
    return gettext("%(resend)s Reload the page to see how far it has come.") % told


def _confirmed(loop: FeedbackLoop, chosen: dict[str, Any], last: str) -> Resend | None:
    """The resend; None where this count was confirmed before. `last`: the newest resend when it was shown.

    Raises Http404 where the loop is gone by now.
    """
    seen = int(last) if last.isascii() and last.isdecimal() and len(last) < 19 else 0
    with transaction.atomic():
        # A second press of the button waits here for the first.
        get_object_or_404(FeedbackLoop.objects.select_for_update(no_key=True), pk=loop.pk)
        if loop.resends.filter(**chosen, pk__gt=seen).exists():
            return None
        return resending.ask_for_resend(loop, chosen["since"], chosen["until"], chosen["states"])


def _refused(request: HttpRequest, loop: FeedbackLoop) -> HttpResponse:
    words = gettext("Nothing more was begun: this was confirmed before. To send the same once more, count anew.")
    messages.warning(request, words)
    return HttpResponseRedirect(reverse("admin:feedbackloops_feedbackloop_change", args=[loop.pk]))


def _to_confirm(loop: FeedbackLoop, chosen: dict[str, Any]) -> dict[str, Any]:
    number = resending.count(resending.chosen(loop, chosen["since"], chosen["until"], chosen["states"]))
    fields = [(name, chosen[name].isoformat()) for name in ("since", "until")]
    fields += [("states", state) for state in chosen["states"]]
    last = loop.resends.order_by("-pk").values_list("pk", flat=True).first()
    fields.append(("confirmed", str(last or 0)))
    return {"found": _found_words(number), "is_any": number != 0, "fixed": fields}


def _found_words(number: int | None) -> str:
    if number == 0:
        return gettext("0 deliveries of that kind: there is nothing to send again.")
    if number is None:
        words = gettext("more than %(number)s deliveries would be sent again.")
        return words % {"number": f"{MOST_COUNTED:,}"}
    words = ngettext("%(number)s delivery would be sent again.", "%(number)s deliveries would be sent again.", number)
    return words % {"number": f"{number:,}"}
