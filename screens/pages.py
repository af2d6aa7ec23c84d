"""The screens of the dashboard by name, for an account whose loops fare differently. Import it with Django set up."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.http import urlencode

from api.models import ApiToken
from esp.models import Webhook
from feedbackloops.admin.sections.verification import moved_url
from feedbackloops.models import Attempt, Delivery, FeedbackLoop, Forgetting, TestCall, VerificationLook
from profiles.models import Account, Collection, Database, Profile, Subprofile
from tracking.messages import link_url
from tracking.models import Event, Message, UnreadMail


def screens(account: Account) -> dict[str, str]:
    """The address of each screen. What there is no row for is left out."""
    loops = {f"loop-{_slug(loop)}": _page(loop) for loop in FeedbackLoop.objects.filter(account=account).order_by("pk")}
    shown = {**_lists(), **loops, **_acts(account), **_bench(account), **_histories(account), **_move(account)}
    return shown | {**_people(account), **_search(account), **_forms(account)}


def _slug(loop: FeedbackLoop) -> str:
    return loop.name.lower().replace(" ", "-")


def _lists() -> dict[str, str]:
    lists = {
        "loops": "feedbackloops_feedbackloop",
        "deliveries": "feedbackloops_delivery",
        "attempts": "feedbackloops_attempt",
        "parked-events": "feedbackloops_parkedevent",
        "ledger": "feedbackloops_ledgerline",
        "messages": "tracking_message",
        "events": "tracking_event",
        "esp-webhooks": "esp_webhook",
        "accounts": "profiles_account",
        "databases": "profiles_database",
        "profiles": "profiles_profile",
        "collections": "profiles_collection",
        "subprofiles": "profiles_subprofile",
        "forgotten-people": "feedbackloops_forgetting",
        "tokens": "api_apitoken",
        "unread-mails": "tracking_unreadmail",
        "blocked-links": "tracking_block",
        "staff": "auth_user",
        "staff-groups": "auth_group",
    }
    return {
        "home": reverse("admin:index"),
        **{name: reverse(f"admin:{page}_changelist") for name, page in lists.items()},
    }


def _acts(account: Account) -> dict[str, str]:
    """What is asked before something is done."""
    loop = FeedbackLoop.objects.filter(account=account).order_by("pk").first()
    if loop is None:
        return {}
    names = {"secret": "secret", "send-again": "again"}
    return {each: reverse(f"admin:feedbackloops_feedbackloop_{page}", args=[loop.pk]) for each, page in names.items()}


def _bench(account: Account) -> dict[str, str]:
    """The test bench of a loop: to write a call, and with what came of the last one."""
    call = TestCall.objects.filter(loop__account=account, ended__isnull=False).order_by("-pk").first()
    loop = call.loop if call else FeedbackLoop.objects.filter(account=account).order_by("pk").first()
    if loop is None:
        return {}
    pages = {"test-bench": reverse("admin:feedbackloops_feedbackloop_bench", args=[loop.pk])}
    if call:
        pages["test-call"] = reverse("admin:feedbackloops_feedbackloop_test_call", args=[loop.pk, call.pk])
    return pages


def _histories(account: Account) -> dict[str, str]:
    """A delivery that went well, one that fails and one that was given up; what they are about."""
    deliveries: QuerySet[Delivery] = Delivery.objects.filter(account=account).order_by("-pk")
    rows: dict[str, Any] = {
        "delivery": deliveries.filter(state="delivered").first(),
        "delivery-failing": deliveries.filter(state="pending", attempts__gt=1).first(),
        "delivery-given-up": deliveries.filter(state="given_up").first(),
        "attempt": Attempt.objects.filter(account=account).order_by("-pk").first(),
        "event": Event.objects.filter(account=account, type="click").order_by("-pk").first(),
        "esp-webhook": Webhook.objects.filter(account=account).order_by("pk").first(),
        "message": Message.objects.filter(account=account).order_by("-created").first(),
    }
    return {name: _page(row) for name, row in rows.items() if row}


def _move(account: Account) -> dict[str, str]:
    """What a redirect in the place of a verification file offers."""
    looks = VerificationLook.objects.filter(loop__account=account, status__range=(300, 399)).select_related("loop")
    look = next((each for each in looks[:10] if moved_url(each.loop, each)), None)
    if look is None:
        return {}
    page = reverse("admin:feedbackloops_feedbackloop_move", args=[look.loop_id])
    return {"move": f"{page}?{urlencode({'look': look.pk})}"}


def _people(account: Account) -> dict[str, str]:
    """Whom the mails went to, and what nobody could read; the program of a customer."""
    rows: dict[str, Any] = {
        "database": Database.objects.filter(account=account).first(),
        "profile": Profile.objects.filter(database__account=account).order_by("pk").first(),
        "collection": Collection.objects.filter(database__account=account).first(),
        "subprofile": Subprofile.objects.filter(profile__database__account=account).order_by("pk").first(),
        "token": ApiToken.objects.filter(account=account).first(),
        "forgotten-person": Forgetting.objects.filter(account=account).order_by("-pk").first(),
        "unread-mail": UnreadMail.objects.order_by("-pk").first(),
    }
    return {name: _page(row) for name, row in rows.items() if row} | _forgetting(rows["profile"])


def _forgetting(profile: Profile | None) -> dict[str, str]:
    """The page that asks before a person is forgotten: the profile only, or in the whole account."""
    if profile is None:
        return {}
    page = reverse("admin:profiles_profile_forget", args=[profile.pk])
    return {"forget-profile": page, "forget-person": f"{page}?everywhere=1"}


def _search(account: Account) -> dict[str, str]:
    clicked = Event.objects.filter(account=account, type="click").order_by("-pk").first()
    if clicked is None or clicked.message is None:
        return {"search-help": reverse("admin:search")}
    url = link_url(clicked.message, clicked.data.get("link", 1), clicked.data.get("original", "https://example.com/"))
    terms = {
        "search": clicked.message.recipient,
        "search-tracking-url": url,
        "search-nothing": "nobody@example.invalid",
    }
    found = {name: f"{reverse('admin:search')}?{urlencode({'q': term})}" for name, term in terms.items()}
    return {"search-help": reverse("admin:search"), **found}


def _forms(account: Account) -> dict[str, str]:
    return {
        "new-loop": reverse("admin:feedbackloops_feedbackloop_add"),
        "account": _page(account),
        "new-token": f"{reverse('admin:api_apitoken_add')}?account={account.pk}",
        "new-esp-webhook": f"{reverse('admin:esp_webhook_add')}?account={account.pk}",
        "block-links": reverse("admin:tracking_block_add"),
        "password": reverse("admin:password_change"),
        "second-factor": reverse("admin:second_factor"),
    }


def _page(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
