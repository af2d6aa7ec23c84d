"""The customer of the demo: made on the first run, used again on the next ones."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth import get_user_model

from feedbackloops.models import FeedbackLoop, LoopStatus
from profiles.imports import import_profiles
from profiles.models import Account, Database, Profile
from tracking.models import EventType

ACCOUNT: Final = "Zuidwind Outdoor (demo)"
DATABASE: Final = "Letter"
LOGIN: Final = "demo"
LOOP_PREFIX: Final = "Sample script"
FALLBACK_ADDRESS: Final = "somebody@example.com"
PROFILES: Final[list[dict[str, Any]]] = [
    {
        "fields": {
            "email": "zoe.okonkwo@example.com",
            "first name": "Zoë",
            "ville.naissance": "Châlons-sur-Marne 🚲",
            "größe [cm": "171",
            "note & remark": "50% off = “yes”",
            "phone": "",
        },
        "interests": ["walking", "naïve art"],
    },
    {"fields": {"email": "tariq@example.net", "first name": "Tariq", "phone": "+31 20 123 45 67"}, "interests": []},
    {
        "fields": {"email": "mei@example.org", "first name": "美", "ville.naissance": "上海"},
        "interests": ["tea", "maps"],
    },
]


@dataclass(frozen=True, slots=True)
class Customer:
    """An account with a database, and the profile that the demo's mail goes to."""

    account: Account
    database: Database
    profile: Profile

    @property
    def address(self) -> str:
        """Where the mail goes."""
        return str(self.profile.fields.get("email") or FALLBACK_ADDRESS)


def customer() -> Customer:
    """The customer, made if need be."""
    account, _ = Account.objects.get_or_create(name=ACCOUNT)
    database, _ = Database.objects.get_or_create(account=account, name=DATABASE)
    profile = database.profiles.order_by("pk").first()
    return Customer(account, database, profile or import_profiles(database, PROFILES)[0])


def new_loop(account: Account, url: str, moment: datetime) -> FeedbackLoop:
    """A loop for what the demo does, not verified yet. Those of earlier demos are disabled: their scripts are gone."""
    earlier = FeedbackLoop.objects.filter(account=account, name__startswith=LOOP_PREFIX)
    earlier.exclude(status=LoopStatus.DISABLED).update(status=LoopStatus.DISABLED)
    name = f"{LOOP_PREFIX}, {moment:%Y-%m-%d %H:%M:%S.%f}"[:-3]
    return FeedbackLoop.objects.create(account=account, name=name, url=url, event_types=EventType.values)


def new_password() -> str:
    """A new random password for the demo's login, which may do everything in the dashboard."""
    user, _ = get_user_model().objects.get_or_create(username=LOGIN)
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.is_staff = user.is_superuser = user.is_active = True
    user.save()
    return password
