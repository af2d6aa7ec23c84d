"""The ESPs whose webhooks django-anymail reads, and how each proves who calls."""

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Provider:
    """An ESP. `where`: the place for the address at the provider, and what to choose there.

    `view` reads its webhooks; `option` is what that calls the key which the ESP signs with.

    Without one the ESP does not sign: it logs in, by a name and a password in the address (HTTP Basic, RFC 7617).
    """

    slug: str
    label: str
    view: str
    where: str | Promise
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
        Provider(
            "amazon_ses",
            "Amazon SES",
            _OURS + "AmazonSes",
            _(
                "an SNS topic with an HTTPS subscription to the address (raw delivery off), named as destination of a "
                "configuration set’s events (Send and Received not needed), or for the identity’s notifications, with "
                "the original headers: without these, mails are found by the id of SES only. Amazon then asks whether "
                "it may call: press “Confirm the subscription at Amazon” on the webhook’s page"
            ),
        ),
        Provider("brevo", "Brevo", _OURS + "Brevo", _("Transactional, Settings, Webhook: all events but “sent”")),
        Provider(
            "mailersend",
            "MailerSend",
            _THEIRS + "mailersend.MailerSendTrackingWebhookView",
            _("Domains, Webhooks: activity.delivered to activity.spam_complaint"),
            "signing_secret",
            _("The signing secret of the webhook, which MailerSend shows once the webhook is made."),
        ),
        Provider(
            "mailgun",
            "Mailgun",
            _THEIRS + "mailgun.MailgunTrackingWebhookView",
            _("Sending, Webhooks: every kind of event"),
            "webhook_signing_key",
            _("The HTTP webhook signing key, from Mailgun’s page of API keys."),
        ),
        Provider(
            "mailjet",
            "Mailjet",
            _THEIRS + "mailjet.MailjetTrackingWebhookView",
            _("Account, Event notifications: all; “group events” is fine"),
        ),
        Provider(
            "mailtrap",
            "Mailtrap",
            _THEIRS + "mailtrap.MailtrapTrackingWebhookView",
            _("Integrations, Webhooks, JSON format: all events"),
            "tracking_secret",
            _("The signature key of the webhook, which Mailtrap shows once the webhook is made."),
        ),
        Provider(
            "mandrill",
            "Mandrill",
            _THEIRS + "mandrill.MandrillCombinedWebhookView",
            _("Settings, Webhooks: message events"),
            "webhook_key",
            _("The key of the webhook, which Mandrill shows in its list of webhooks."),
        ),
        Provider(
            "postal",
            "Postal",
            _THEIRS + "postal.PostalTrackingWebhookView",
            _("Webhooks: MessageSent to MessageBounced, and MessageLinkClicked"),
            "webhook_key",
            _("The public key of the Postal server: the p= of its DKIM record, in base64."),
        ),
        Provider(
            "postmark",
            "Postmark",
            _THEIRS + "postmark.PostmarkTrackingWebhookView",
            _(
                "Webhooks of the message stream: delivery, bounce, spam complaint, subscription change; with “include "
                "bounce content” the mail that came back is kept whole"
            ),
        ),
        Provider(
            "resend",
            "Resend",
            _OURS + "Resend",
            _("Webhooks: all email events"),
            "signing_secret",
            _("The signing secret of the webhook, which begins with whsec_."),
        ),
        Provider(
            "sendgrid",
            "SendGrid",
            _OURS + "SendGrid",
            _("Mail settings, Event webhook, with Signed Event Webhook: all events"),
            "tracking_webhook_verification_key",
            _("The verification key of the signed event webhook, in base64."),
        ),
        Provider(
            "sparkpost",
            "SparkPost",
            _THEIRS + "sparkpost.SparkPostTrackingWebhookView",
            _("Webhooks: message, engagement, generation and unsubscribe events"),
        ),
        Provider(
            "unisender_go",
            "Unisender Go",
            _OURS + "UnisenderGo",
            _("Webhooks: all statuses of e-mails"),
            "api_key",
            _("The API key of the Unisender Go account or project."),
        ),
    )
}
CHOICES: Final = [(each.slug, each.label) for each in PROVIDERS.values()]
