"""A loop's signing secret: seen by those who may, replaced without a call that its script would refuse."""

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.timezone import now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from feedbackloops.models import FeedbackLoop
from feedbackloops.protocol.signing import dkim_record
from profiles.pages import Page

if TYPE_CHECKING:
    Base = Page
else:
    Base = object

TEMPLATE = "admin/feedbackloops/feedbackloop/secret_page.html"
ROTATED = _("Made a new signing secret. The previous one signs as well, until the overlap is ended.")
ENDED = _("Ended the overlap: calls are signed with the new secret only.")
SEEN = _("Looked at the signing secret.")


class SecretPages(Base):
    """The page of a loop's secret. Each look at the secret is a POST, and stands in the loop's history."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.secret_view)
        return [path("<path:object_id>/secret/", view, name="feedbackloops_feedbackloop_secret"), *super().get_urls()]

    def secret_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page; with POST, what the button says that was pressed."""
        loop = self.get_object(request, object_id)
        if loop is None:
            raise Http404
        if not (self._may_see_secret(request, loop) or self.has_change_permission(request, loop)):
            raise PermissionDenied
        if request.method != "POST":
            return self._secret_page(request, loop)
        acts = {"reveal": self._reveal, "rotate": self._rotate, "end": self._end_overlap}
        act = acts.get(request.POST.get("act", ""))
        return act(request, loop) if act else HttpResponseRedirect(_address(loop))

    def _reveal(self, request: HttpRequest, loop: FeedbackLoop) -> HttpResponse:
        if not self._may_see_secret(request, loop):
            raise PermissionDenied
        self.log_acts(request, [loop], str(SEEN))
        secrets = {_("The secret"): loop.secret}
        if loop.previous_secret:
            secrets[_("The previous one")] = loop.previous_secret
        return self._secret_page(request, loop, secrets=secrets)

    def _rotate(self, request: HttpRequest, loop: FeedbackLoop) -> HttpResponse:
        self._insist_on_change(request, loop)
        if request.POST.get("confirmed") != "yes":
            self.message_user(request, _("Nothing was changed: tick the box first."), messages.WARNING)
        elif loop.rotate_secret(now()):
            self.log_acts(request, [loop], str(ROTATED))
            words = _("There is a new secret. Give it to the customer; both sign until you end the overlap.")
            self.message_user(request, words)
        else:
            words = _("Nothing was changed: two secrets sign already. End that overlap first.")
            self.message_user(request, words, messages.WARNING)
        return HttpResponseRedirect(_address(loop))

    def _end_overlap(self, request: HttpRequest, loop: FeedbackLoop) -> HttpResponse:
        self._insist_on_change(request, loop)
        if loop.end_overlap(now()):
            self.log_acts(request, [loop], str(ENDED))
            self.message_user(request, ENDED)
        return HttpResponseRedirect(_address(loop))

    def _secret_page(self, request: HttpRequest, loop: FeedbackLoop, **context: Any) -> HttpResponse:
        shown = {
            **self.admin_site.each_context(request),
            "title": gettext("Signing secret of %(name)s") % {"name": loop.name},
            "opts": self.opts,
            "original": loop,
        }
        shown |= {"loop": loop, "ends": _end_of_overlap(loop)}
        shown |= {
            "may_see": self._may_see_secret(request, loop),
            "may_change": self.has_change_permission(request, loop),
        }
        return TemplateResponse(request, TEMPLATE, shown | context)

    def _may_see_secret(self, request: HttpRequest, loop: FeedbackLoop) -> bool:
        return self.has_view_permission(request, loop) and request.user.has_perm("feedbackloops.view_secret")

    def _insist_on_change(self, request: HttpRequest, loop: FeedbackLoop) -> None:
        if not self.has_change_permission(request, loop):
            raise PermissionDenied


# Loading a key takes tens of milliseconds, and a page asks for what it shows several times.
@lru_cache(maxsize=64)
def public_record(private_key: str) -> str:
    """The TXT record with the public key that belongs to a private key; empty where there is none."""
    return dkim_record(private_key) if private_key else ""


def _end_of_overlap(loop: FeedbackLoop) -> Any:
    """When the overlap ends by itself; None where it does not."""
    if not (loop.previous_secret and loop.secret_rotated and settings.SECRET_OVERLAP_DAYS):
        return None
    return loop.secret_rotated + timedelta(days=settings.SECRET_OVERLAP_DAYS)


def _address(loop: FeedbackLoop) -> str:
    return reverse("admin:feedbackloops_feedbackloop_secret", args=[loop.pk])
