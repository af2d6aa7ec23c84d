"""The ESPs whose webhooks django-anymail reads, and how each proves who calls."""

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Provider:
    """An ESP. `view` reads its webhooks; `option` is what that calls the key which the ESP signs with.

    Without one the ESP does not sign: it logs in, by a name and a password in the address (HTTP Basic, RFC 7617).
    """

    slug: str
    label: str
    view: str
    option: str = ""
    key: str | Promise = ""

    @property
    def signs(self) -> bool:
        """Whether its calls are signed; else they log in."""
        return bool(self.option)


_OURS: Final = "esp.parsers."
_THEIRS: Final = "anymail.webhooks."
PROVIDERS: Final = {
    each.slug: each
    for each in (
        Provider("amazon_ses", "Amazon SES", _OURS + "AmazonSes"),
        Provider("brevo", "Brevo", _OURS + "Brevo"),
        Provider(
            "mailersend",
            "MailerSend",
            _THEIRS + "mailersend.MailerSendTrackingWebhookView",
            "signing_secret",
            _("The signing secret of the webhook, which MailerSend shows once the webhook is made."),
        ),
        Provider(
            "mailgun",
            "Mailgun",
            _THEIRS + "mailgun.MailgunTrackingWebhookView",
            "webhook_signing_key",
            _("The HTTP webhook signing key, from Mailgun’s page of API keys."),
        ),
        Provider("mailjet", "Mailjet", _THEIRS + "mailjet.MailjetTrackingWebhookView"),
        Provider(
            "mailtrap",
            "Mailtrap",
            _THEIRS + "mailtrap.MailtrapTrackingWebhookView",
            "tracking_secret",
            _("The signature key of the webhook, which Mailtrap shows once the webhook is made."),
        ),
        Provider(
            "mandrill",
            "Mandrill",
            _THEIRS + "mandrill.MandrillCombinedWebhookView",
            "webhook_key",
            _("The key of the webhook, which Mandrill shows in its list of webhooks."),
        ),
        Provider(
            "postal",
            "Postal",
            _THEIRS + "postal.PostalTrackingWebhookView",
            "webhook_key",
            _("The public key of the Postal server: the p= of its DKIM record, in base64."),
        ),
        Provider("postmark", "Postmark", _THEIRS + "postmark.PostmarkTrackingWebhookView"),
        Provider(
            "resend",
            "Resend",
            _OURS + "Resend",
            "signing_secret",
            _("The signing secret of the webhook, which begins with whsec_."),
        ),
        Provider(
            "sendgrid",
            "SendGrid",
            _OURS + "SendGrid",
            "tracking_webhook_verification_key",
            _("The verification key of the signed event webhook, in base64."),
        ),
        Provider("sparkpost", "SparkPost", _THEIRS + "sparkpost.SparkPostTrackingWebhookView"),
        Provider(
            "unisender_go",
            "Unisender Go",
            _OURS + "UnisenderGo",
            "api_key",
            _("The API key of the Unisender Go account or project."),
        ),
    )
}
CHOICES: Final = [(each.slug, each.label) for each in PROVIDERS.values()]
