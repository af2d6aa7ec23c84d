"""A redirect was seen where the verification file should be: the loop's URL is changed to where that leads."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from feedbackloops.admin.sections.changes import url_changed
from feedbackloops.admin.sections.verification import moved_url
from feedbackloops.models import FeedbackLoop, VerificationLook
from feedbackloops.protocol.place import parse
from profiles.pages import Page

if TYPE_CHECKING:
    Base = Page
else:
    Base = object

TEMPLATE = "admin/feedbackloops/feedbackloop/move_page.html"


class MovePages(Base):
    """The page that shows what would change. Its button is a POST that changes no other URL than the one it showed."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.move_view)
        return [path("<path:object_id>/move/", view, name="feedbackloops_feedbackloop_move"), *super().get_urls()]

    def move_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """With GET what would change, with POST the change. `look` names the look that saw the redirect."""
        loop = self.found(request, object_id, "change")
        asked = request.POST if request.method == "POST" else request.GET
        look = _look(loop, asked.get("look", ""))
        moved = moved_url(loop, look) if look else ""
        if request.method == "POST":
            self._move(request, loop, moved, asked)
        elif look and moved:
            return self._move_page(request, loop, look, moved)
        else:
            self.message_user(request, _nothing_done(), messages.WARNING)
        return HttpResponseRedirect(_address(loop))

    def _move(self, request: HttpRequest, loop: FeedbackLoop, moved: str, asked: Any) -> None:
        with transaction.atomic():
            # Whoever else changes the URL waits here, or has done so before.
            current = FeedbackLoop.objects.select_for_update().get(pk=loop.pk)
            if not moved or (current.url, moved) != (asked.get("was"), asked.get("to")):
                self.message_user(request, _nothing_done(), messages.WARNING)
                return
            current.url = moved
            current.save(update_fields=["url"])
            self.log_acts(request, [current], url_changed(loop.url, moved))
        words = _("The URL is now %(url)s. We look for the verification file there.") % {"url": moved}
        self.message_user(request, words, messages.SUCCESS)

    def _move_page(self, request: HttpRequest, loop: FeedbackLoop, look: VerificationLook, moved: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Change the URL of %(name)s?") % {"name": loop.name},
            "opts": self.opts,
            "original": loop,
            "loop": loop,
            "look": look,
            "moved": moved,
            "changes": _changes(loop.url, moved),
            "is_other_server": parse(loop.url).host != parse(moved).host,
        }
        return TemplateResponse(request, TEMPLATE, context)


def _look(loop: FeedbackLoop, key: str) -> VerificationLook | None:
    # Keys have fewer digits than PostgreSQL's numbers can hold.
    return loop.looks.filter(pk=key).first() if key.isdecimal() and key.isascii() and len(key) < 19 else None


def _changes(before: str, after: str) -> list[tuple[str, str, str]]:
    """The parts of the URL that differ: what each is called, what it is, and what it would be."""
    old, new = parse(before), parse(after)
    parts = [
        (_("Encryption"), old.scheme, new.scheme),
        (_("Server"), old.host, new.host),
        (_("Port"), str(old.port), str(new.port)),
        (_("Path"), old.path, new.path),
    ]
    return [part for part in parts if part[1] != part[2]]


def _nothing_done() -> str:
    return _("Nothing was changed: the URL, or what was seen there, is another by now. See what the last look says.")


def _address(loop: FeedbackLoop) -> str:
    return reverse("admin:feedbackloops_feedbackloop_change", args=[loop.pk]) + "#verification"
