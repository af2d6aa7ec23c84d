"""The list of deliveries on a loop's page: fetched anew while somebody looks, and what its buttons do."""

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.reach import limit
from feedbackloops.admin.again import RIGHT
from feedbackloops.admin.sections.choice import choice_of
from feedbackloops.admin.sections.deliveries import deliveries
from feedbackloops.admin.sections.visit import Visit
from feedbackloops.admin.unchanged import unless_known
from feedbackloops.models import Delivery, DeliveryState, FeedbackLoop
from feedbackloops.resending import send_again
from feedbackloops.steering import cancel, send_now
from feedbackloops.words import hold_of
from profiles.pages import Page
from tracking.browsing import as_uuid

if TYPE_CHECKING:
    Base = Page
else:
    Base = object

LIST = "admin/feedbackloops/feedbackloop/sections/_deliveries_list.html"
MOST = 100
TICKED = "ticked"


class ListedDeliveries(Base):
    """The address of a loop's list of deliveries. With GET the list alone, a part of a page; with POST its buttons."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.deliveries_view)
        own = path("<path:object_id>/deliveries/", view, name="feedbackloops_feedbackloop_deliveries")
        return [own, *super().get_urls()]

    def deliveries_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The list as it stands now; nothing where it is what the browser has."""
        loop = self.found(request, object_id)
        if request.method == "POST":
            return self._press(request, loop)
        data = deliveries(Visit(request, loop, now(), self.has_change_permission(request, loop)))
        if data is None:
            raise PermissionDenied
        return unless_known(request, render_to_string(LIST, {"data": data, "loop": loop}, request))

    def _press(self, request: HttpRequest, loop: FeedbackLoop) -> HttpResponse:
        if not request.user.has_perm(RIGHT):
            raise PermissionDenied
        name = next((name for name in ("send", "cancel") if name in request.POST), "")
        chosen = _chosen(request, loop, request.POST.get(name, ""))
        if name and not chosen:
            self.message_user(request, _("Nothing was done: tick the deliveries first."), messages.WARNING)
        elif name == "send":
            self._send(request, loop, chosen)
        elif name == "cancel":
            self._cancel(request, loop, chosen)
        query = choice_of(request.GET)
        address = reverse("admin:feedbackloops_feedbackloop_change", args=[loop.pk])
        return HttpResponseRedirect(f"{address}?{query.query(query.after)}#deliveries")

    def _send(self, request: HttpRequest, loop: FeedbackLoop, chosen: Collection[UUID]) -> None:
        waiting = _in(chosen, DeliveryState.PENDING)
        ended = _in(chosen, DeliveryState.GIVEN_UP, DeliveryState.CANCELLED)
        count = send_now(waiting) + send_again(ended)
        if not count:
            words = _("Nothing was sent: what was chosen is delivered. Open a delivery to send it once more.")
            self.message_user(request, words, messages.WARNING)
            return
        done = ngettext("Sent %(count)d delivery now.", "Sent %(count)d deliveries now.", count) % {"count": count}
        self.log_acts(request, [loop], done)
        self.log_acts(request, [Delivery(pk=id) for id in (*waiting, *ended)], _("Sent now."))
        words = ngettext("%(count)d delivery is sent now.", "%(count)d deliveries are sent now.", count)
        if hold := hold_of(loop, now()):
            words = ngettext(
                "%(count)d delivery is sent as soon as the loop sends again; now %(hold)s.",
                "%(count)d deliveries are sent as soon as the loop sends again; now %(hold)s.",
                count,
            )
        self.message_user(
            request, words % {"count": count, "hold": hold}, messages.WARNING if hold else messages.SUCCESS
        )

    def _cancel(self, request: HttpRequest, loop: FeedbackLoop, chosen: Collection[UUID]) -> None:
        waiting = _in(chosen, DeliveryState.PENDING)
        count = cancel(waiting)
        if not count:
            words = _("Nothing was cancelled: only what waits can be, and none of these does any more.")
            self.message_user(request, words, messages.WARNING)
            return
        done = ngettext("Cancelled %(count)d delivery.", "Cancelled %(count)d deliveries.", count) % {"count": count}
        self.log_acts(request, [loop], done)
        self.log_acts(request, [Delivery(pk=id) for id in waiting], _("Cancelled."))
        hint = _("A call that is under way is not broken off: if the script accepts it, it counts as delivered.")
        self.message_user(request, f"{done} {hint}", messages.SUCCESS)


def _chosen(request: HttpRequest, loop: FeedbackLoop, value: str) -> list[UUID]:
    """The deliveries of this loop that are meant: the one of the button, or those that are ticked."""
    texts = request.POST.getlist(TICKED)[:MOST] if value == TICKED else [value]
    ids = [id for text in texts if (id := as_uuid(text))]
    return list(limit(Delivery.objects.filter(pk__in=ids, loop=loop), request.user).values_list("pk", flat=True))


def _in(chosen: Collection[UUID], *states: str) -> list[UUID]:
    return list(Delivery.objects.filter(pk__in=chosen, state__in=states).order_by().values_list("pk", flat=True))
