"""What a token may be used for."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    """A kind of data, and whether it may be read or written. Writing does not include reading."""

    DATABASES_READ = "databases:read", _("See databases")
    DATABASES_WRITE = "databases:write", _("Make and change databases")
    PROFILES_READ = "profiles:read", _("See profiles")
    PROFILES_WRITE = "profiles:write", _("Make, change and remove profiles")
    MESSAGES_READ = "messages:read", _("See messages")
    MESSAGES_WRITE = "messages:write", _("Register messages and have their HTML tracked")
    EVENTS_READ = "events:read", _("See events")
    EVENTS_WRITE = "events:write", _("Record events from outside")
    LOOPS_READ = "loops:read", _("See feedback loops and their verification files")
    LOOPS_WRITE = "loops:write", _("Make, change, verify, test, pause and resume feedback loops, replace their secrets")
    LOOPS_SECRET = "loops:secret", _("See the signing secrets of feedback loops")
    DELIVERIES_READ = "deliveries:read", _("See deliveries and attempts")
    DELIVERIES_WRITE = "deliveries:write", _("Send deliveries again, send them now, cancel them")
