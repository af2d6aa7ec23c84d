"""Traffic that goes on while the demo runs: mails that go out, and hits that come in through the web process."""

from collections import deque
from random import Random
from typing import Final
from urllib.parse import urlsplit

import requests
from django.db import Error
from django.utils.timezone import now

from marketingsuite.demo.day import plan
from marketingsuite.demo.day.cast import Cast
from tracking.messages import TrackedMessage, register
from tracking.outside import record_reports
from tracking.reports import Report

# Of mails in a second, and of a hit on one of the newest mails.
MAILS: Final = 0.12
HITS: Final = 0.5
CLICKS: Final = 0.35
NEWEST: Final = 40


class Living:
    """One tick after the other: now and then a mail, oftener a hit."""

    def __init__(self, cast: Cast, session: requests.Session, web_url: str) -> None:
        """`web_url`: where the pixels and the links are asked for."""
        self._cast, self._session, self._web_url = cast, session, web_url
        self._chance = Random()
        self._mails: deque[TrackedMessage] = deque(maxlen=NEWEST)

    def go_on(self, seconds: float) -> None:
        """What happens within so many seconds. Nothing that fails is told: the demo shows what else there is."""
        try:
            if not self._mails or self._chance.random() < MAILS * seconds:
                self._send_mail()
            if self._chance.random() < HITS * seconds:
                self._hit(self._chance.choice(self._mails))
        except (requests.RequestException, Error):
            pass

    def _send_mail(self) -> None:
        profile = self._chance.choice(self._cast.profiles)
        kind = self._chance.choice(list(plan.SUBJECTS))
        address = profile.fields["email"]
        mail = register(self._cast.account, address, profile=profile, tags=[kind], urls=plan.TARGETS)
        record_reports(
            [Report("delivery", self._cast.account.pk, mail.message.pk, now(), mail.message.pk.hex, plan.TAKEN)]
        )
        self._mails.append(mail)

    def _hit(self, mail: TrackedMessage) -> None:
        url = self._chance.choice(mail.link_urls) if self._chance.random() < CLICKS else mail.pixel_url
        headers = {
            "User-Agent": self._chance.choice(plan.BROWSERS),
            "Accept-Language": self._chance.choice(plan.LANGUAGES),
        }
        self._session.get(self._web_url + urlsplit(url).path, headers=headers, timeout=10, allow_redirects=False)
