"""The pages of mails that nobody has understood: read, fetched as a file, read once more, deleted."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from profiles.pages import UnwrittenPage
from profiles.showing import NOTHING, when
from tracking.mailin import read_again
from tracking.models import UnreadMail

MOST_SHOWN = 20_000


@admin.register(UnreadMail)
class UnreadMailAdmin(UnwrittenPage):
    """They come in by mail: staff look at them, and may delete them."""

    list_display = ["came", "sender_shown", "subject_shown", "reason"]
    list_display_links = ["came", "sender_shown"]
    ordering = ["-id"]
    sortable_by = ()
    search_fields = ["sender", "subject", "envelope_to"]
    search_help_text = _("Part of the sender, the subject or the address that it was delivered to")
    fields = ("came", "sender_shown", "subject_shown", "delivered_to", "reason", "file", "content")
    readonly_fields = fields
    actions = ["read_once_more"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[UnreadMail]:
        mails: QuerySet[UnreadMail] = super().get_queryset(request)
        return mails.defer("raw").annotate(bytes=Length("raw"))

    def get_urls(self) -> list[URLPattern]:
        download = self.admin_site.admin_view(self.download)
        return [path("<path:object_id>/file/", download, name="tracking_unreadmail_file"), *super().get_urls()]

    def download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The mail as it came, byte by byte."""
        mail = self.found(request, object_id)
        # Whatever is in it, no browser is to show it as a page of ours.
        response = HttpResponse(bytes(mail.raw), content_type="application/octet-stream")
        response["Content-Disposition"] = f'attachment; filename="{mail.pk}.eml"'
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def has_read_permission(self, request: HttpRequest) -> bool:
        """Who may take it from here: that is to make events of it, and to delete it."""
        return self.has_delete_permission(request)

    @admin.action(description=_("Read once more"), permissions=["read"])
    def read_once_more(self, request: HttpRequest, queryset: QuerySet[UnreadMail]) -> None:
        """For mails that are about a message which was registered late."""
        mails = list(queryset)
        ids = {mail.key: mail.pk for mail in mails}
        read = [UnreadMail(pk=ids[mail.key], subject=mail.subject) for mail in mails if read_again(mail)]
        self.log_acts(request, read, gettext("Read once more, and deleted: its events are recorded."))
        words = ngettext(
            "%(read)d of %(all)d mail is about a message that we know: its events are recorded.",
            "%(read)d of %(all)d mails are about messages that we know: their events are recorded.",
            len(mails),
        )
        self.message_user(request, words % {"read": len(read), "all": len(mails)}, messages.SUCCESS)

    @admin.display(description=_("Came in"))
    def came(self, mail: UnreadMail) -> str:
        return when(mail.received)

    @admin.display(description=_("From"))
    def sender_shown(self, mail: UnreadMail) -> str:
        return mail.sender or NOTHING

    @admin.display(description=_("Subject"))
    def subject_shown(self, mail: UnreadMail) -> str:
        return mail.subject or NOTHING

    @admin.display(description=_("Delivered to"))
    def delivered_to(self, mail: UnreadMail) -> str:
        return mail.envelope_to or NOTHING

    @admin.display(description=_("As a file"))
    def file(self, mail: UnreadMail) -> str:
        url = reverse("admin:tracking_unreadmail_file", args=[mail.pk])
        size = filesizeformat(getattr(mail, "bytes", 0))
        return format_html('<a class="text-link" href="{}">{} ({})</a>', url, gettext("Download"), size)

    @admin.display(description=_("The mail"))
    def content(self, mail: UnreadMail) -> str:
        raw = bytes(mail.raw)
        text = raw[:MOST_SHOWN].decode("utf-8", "replace") + ("\n…" if len(raw) > MOST_SHOWN else "")
        return format_html('<pre class="overflow-x-auto text-xs whitespace-pre-wrap break-all">{}</pre>', text)
