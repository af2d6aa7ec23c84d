"""A member of staff who looks at the dashboard, over HTTP. Import it when Django is set up."""

import time
from collections.abc import Sequence
from statistics import median

import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from feedbackloops.models import Delivery


class Dashboard:
    """A browser that a superuser is logged in with."""

    def __init__(self, place: str, looks: int, name: str = "bench") -> None:
        """`place`: where the dashboard is, such as http://127.0.0.1:8000; `looks`: at a page, for one figure."""
        staff, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True, "is_superuser": True})
        login = Client()
        login.force_login(staff)
        self._browser = requests.Session()
        # The environment's proxy is for the world outside.
        self._browser.trust_env = False
        self._browser.cookies.set(settings.SESSION_COOKIE_NAME, login.cookies[settings.SESSION_COOKIE_NAME].value)
        self._place, self._looks = place, looks

    def ms(self, path: str) -> float:
        """The time (ms, median) that this page takes, or its leading elsewhere."""
        return self._median_ms(path, 302)

    def list_ms(self) -> float:
        """The time (ms, median) that the list of deliveries takes."""
        return self._median_ms(reverse("admin:feedbackloops_delivery_changelist"))

    def page_ms(self, delivery: Delivery) -> float:
        """The time (ms, median) that the page of one delivery takes."""
        return self._median_ms(reverse("admin:feedbackloops_delivery_change", args=[delivery.pk]))

    def _median_ms(self, path: str, *also: int) -> float:
        self._look(path, also)
        return median(self._look(path, also) for _ in range(self._looks))

    def _look(self, path: str, also: Sequence[int]) -> float:
        started = time.monotonic()
        response = self._browser.get(self._place + path, allow_redirects=False, timeout=60)
        if response.status_code not in (200, *also):
            raise RuntimeError(f"The dashboard answered {response.status_code} for {path}.")
        return 1000 * (time.monotonic() - started)
