"""django-anymail's readers of webhooks, where ours need something else of them."""

import json
import re
from collections.abc import Mapping
from time import time
from typing import Any, Final

from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent, EventType
from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView
from anymail.webhooks.base import AnymailBaseWebhookView
from anymail.webhooks.brevo import BrevoTrackingWebhookView
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.resend import ResendTrackingWebhookView
from anymail.webhooks.sendgrid import SendGridTrackingWebhookView
from anymail.webhooks.unisender_go import UnisenderGoTrackingWebhookView
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.http import HttpRequest
from standardwebhooks import Webhook, WebhookVerificationError

_CONFIRMATION: Final = re.compile(r"https://sns\.[a-z0-9-]{1,40}\.amazonaws\.com(?:\.cn)?/\?[!-~]{1,2000}", re.ASCII)
# Mailgun tries again for 8 hours, and has delays of its own. In seconds.
LONGEST_SIGNED: Final = 24 * 60 * 60
_MD5: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


class AmazonSes(AmazonSESTrackingWebhookView):  # type: ignore[misc]  # anymail carries no types
    """Confirms no subscription by itself, which would take credentials of Amazon's: staff follow `confirm_url`."""

    confirm_url = ""
    is_notification = False

    def __init__(self, **options: Any) -> None:
        self.auto_confirm_enabled = False
        AnymailBaseWebhookView.__init__(self, **options)

    def parse_events(self, request: HttpRequest) -> list[AnymailTrackingEvent]:
        """The events; none for what SNS says of the subscription itself."""
        self.is_notification = self._parse_sns_message(request).get("Type") == "Notification"
        return list(super().parse_events(request))

    def auto_confirm_sns_subscription(self, sns_message: Mapping[str, Any]) -> None:
        """Keep where the subscription is confirmed, if that is at Amazon."""
        url = sns_message.get("SubscribeURL")
        if isinstance(url, str) and _CONFIRMATION.fullmatch(url):
            self.confirm_url = url

    def esp_to_anymail_events(self, ses_event: Any, sns_message: Any) -> list[AnymailTrackingEvent]:
        """With the types that SES has added since: a delay, and who leaves by the links of SES."""
        events: list[AnymailTrackingEvent] = super().esp_to_anymail_events(ses_event, sns_message)
        if kind := _newer_kind(ses_event):
            for event in events:
                event.event_type = kind
        return events


def _newer_kind(ses_event: Mapping[str, Any]) -> str:
    kind = ses_event.get("eventType")
    if kind == "DeliveryDelay":
        return str(EventType.DEFERRED)
    if kind != "Subscription":
        return ""
    wanted = ses_event["subscription"].get("newTopicPreferences", {})
    return str(EventType.UNSUBSCRIBED if wanted.get("unsubscribeAll") else EventType.SUBSCRIBED)


class Brevo(BrevoTrackingWebhookView):  # type: ignore[misc]
    """Takes any text in the header that others than anymail use for something else."""

    def esp_to_anymail_event(self, esp_event: dict[str, Any]) -> AnymailTrackingEvent:
        """The event; without metadata where that is no JSON."""
        try:
            json.loads(esp_event.get("X-Mailin-custom", "{}"))
            return super().esp_to_anymail_event(esp_event)
        except ValueError:
            rest = {name: value for name, value in esp_event.items() if name != "X-Mailin-custom"}
            event = super().esp_to_anymail_event(rest)
            event.esp_event = esp_event
            return event


class StaleSignature(AnymailWebhookValidationFailure):  # type: ignore[misc]
    """The signature is right, and so old that somebody may have kept it."""


class Mailgun(MailgunTrackingWebhookView):  # type: ignore[misc]
    """Takes no old signature: that of Mailgun covers no word of the call, so one that was kept would sign anything."""

    def validate_request(self, request: HttpRequest) -> None:
        """Raises AnymailWebhookValidationFailure."""
        super().validate_request(request)
        is_json = request.content_type == "application/json"
        said = json.loads(request.body)["signature"] if is_json else request.POST
        if time() - int(said["timestamp"]) > LONGEST_SIGNED:
            raise StaleSignature("The signature is too old.")


class Resend(ResendTrackingWebhookView):  # type: ignore[misc]
    """Checks signatures by the library of the standard that Svix has made of its own."""

    def __init__(self, signing_secret: str, **options: Any) -> None:
        self._signed = Webhook(signing_secret)
        self._svix_webhook = None
        self.warn_if_no_basic_auth = False
        AnymailBaseWebhookView.__init__(self, **options)

    def validate_request(self, request: HttpRequest) -> None:
        """Raises AnymailWebhookValidationFailure for a call that is not signed, or not lately."""
        names = ("id", "timestamp", "signature")
        headers = {f"webhook-{name}": request.headers.get(f"svix-{name}", "") for name in names}
        try:
            self._signed.verify(request.body, headers)
        except (WebhookVerificationError, ValueError) as error:
            raise AnymailWebhookValidationFailure("The signature is not right.") from error


class SendGrid(SendGridTrackingWebhookView):  # type: ignore[misc]
    """Reads the key that it is given, and no settings."""

    def __init__(self, tracking_webhook_verification_key: str, **options: Any) -> None:
        pem = f"-----BEGIN PUBLIC KEY-----\n{tracking_webhook_verification_key}\n-----END PUBLIC KEY-----"
        self.webhook_verification_key = load_pem_public_key(pem.encode())
        self.warn_if_no_basic_auth = False
        AnymailBaseWebhookView.__init__(self, **options)


class UnisenderGo(UnisenderGoTrackingWebhookView):  # type: ignore[misc]  # anymail carries no types
    """Replaces in the body only what can be a signature: of one character, that would make it many times as long."""

    def validate_request(self, request: HttpRequest) -> None:
        """Raises AnymailWebhookValidationFailure."""
        told = self.parse_json_body(request)
        auth = told.get("auth") if isinstance(told, Mapping) else None
        if not isinstance(auth, str) or not _MD5.fullmatch(auth):
            raise AnymailWebhookValidationFailure("The signature is none.")
        super().validate_request(request)
