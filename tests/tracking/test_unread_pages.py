import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from access.models import Reach
from tests.dashboard import url
from tests.factories import make_account, make_message
from tests.tracking.returned.test_understanding import mail
from tracking.mailin import take_mail
from tracking.models import Event, UnreadMail

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept() -> UnreadMail:
    take_mail(mail("postfix"))
    take_mail(b"Subject: <script>alert(1)</script>\n\n<script>alert(2)</script>\xff")
    return UnreadMail.objects.get(subject__contains="script")


def test_a_mail_that_nobody_understood_is_shown_as_text_and_downloaded_as_it_came(
    admin_client: Client, kept: UnreadMail
) -> None:
    page = admin_client.get(url("tracking_unreadmail", "change", kept.pk)).content.decode()
    assert "&lt;script&gt;alert(2)&lt;/script&gt;" in page
    assert "<script>alert(" not in page
    file = admin_client.get(url("tracking_unreadmail", "file", kept.pk))
    assert file.content == bytes(kept.raw)
    assert file["Content-Disposition"] == f'attachment; filename="{kept.pk}.eml"'


def test_a_mail_whose_message_was_registered_late_is_read_once_more(admin_client: Client, kept: UnreadMail) -> None:
    make_message(internet_message_id="019d38e3-2a10@shop.example.com")
    chosen = [str(each.pk) for each in UnreadMail.objects.all()]
    form = {"action": "read_once_more", "_selected_action": chosen}
    answer = admin_client.post(url("tracking_unreadmail", "changelist"), form, follow=True)
    assert "1 of 2 mails are about messages that we know" in answer.content.decode()
    assert set(Event.objects.values_list("type", flat=True)) == {"failure", "bounce"}
    assert UnreadMail.objects.get() == kept
    (entry,) = LogEntry.objects.all()
    assert entry.object_id in set(chosen) - {str(kept.pk)}


def test_who_is_limited_to_accounts_gets_no_mail_that_may_be_anybody_s(client: Client, kept: UnreadMail) -> None:
    user = User.objects.create_user("limited", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    Reach.objects.create(user=user).accounts.add(make_account())
    client.force_login(user)
    assert client.get(url("tracking_unreadmail", "file", kept.pk)).status_code == 404
