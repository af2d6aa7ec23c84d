"""What a login begins."""

from importlib import import_module
from time import time
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from staff.sessions import BEGUN, USED


@receiver(user_logged_in)
def begin_session(request: HttpRequest, **kwargs: Any) -> None:
    """Note when the session began, and delete those that have ended."""
    request.session[BEGUN] = request.session[USED] = int(time())
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
