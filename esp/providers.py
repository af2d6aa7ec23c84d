"""The ESPs whose webhooks django-anymail reads, and how each proves who calls."""

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Provider:
    """An ESP. `view` reads its webhooks; `option` is what that calls the key which the ESP signs with.

    Without one the ESP does not sign: it logs in, by a name and a password in the address (HTTP Basic, RFC 7617).
    `menu` is where its console takes the address, `tells` the events to choose there, and `sees` those of opens and
    clicks, in its own words; `note` is what else there is to mind.
    """

    slug: str
    label: str
    view: str
    option: str = ""
    key: str | Promise = ""
    menu: str = ""
    tells: str = ""
    sees: str = ""
    note: str | Promise = ""

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
            menu=(
                "Amazon SNS → Topics → Create subscription (HTTPS); Amazon SES → Configuration sets → Event "
                "destinations"
            ),
            tells=("Hard bounces, Complaints, Deliveries, Delivery delays, Rejects, Rendering failures, Subscriptions"),
            sees="Opens, Clicks",
            note=_(
                "The subscription has raw message delivery off, and its topic is the event destination. An "
                "identity’s notifications will do as well, with original headers: without these, mails are found by "
                "the id of SES only. Amazon then asks whether it may call: confirm it on the webhook’s page."
            ),
        ),
        Provider(
            "brevo",
            "Brevo",
            _OURS + "Brevo",
            menu="Transactional → Settings → Webhook",
            tells=(
                "Delivered, Deferred, Soft bounced, Hard bounced, Invalid email, Blocked, Error, Complaint, "
                "Unsubscribed"
            ),
            sees="Opened, Clicked",
        ),
        Provider(
            "mailersend",
            "MailerSend",
            _THEIRS + "mailersend.MailerSendTrackingWebhookView",
            option="signing_secret",
            key=_("The signing secret of the webhook, which MailerSend shows once the webhook is made."),
            menu="Domains → Manage → Webhooks",
            tells=(
                "activity.delivered, activity.soft_bounced, activity.hard_bounced, activity.deferred, "
                "activity.unsubscribed, activity.spam_complaint"
            ),
            sees="activity.opened, activity.clicked",
        ),
        Provider(
            "mailgun",
            "Mailgun",
            _OURS + "Mailgun",
            option="webhook_signing_key",
            key=_("The HTTP webhook signing key, from Mailgun’s page of API keys."),
            menu="Send → Sending → Webhooks",
            tells="Delivered Messages, Permanent Failure, Temporary Failure, Spam Complaints, Unsubscribes",
            sees="Opened Messages, Clicked Messages",
        ),
        Provider(
            "mailjet",
            "Mailjet",
            _THEIRS + "mailjet.MailjetTrackingWebhookView",
            menu="Account settings → Event notifications (webhooks)",
            tells="Sent, Bounce, Blocked, Spam, Unsub",
            sees="Open, Click",
            note=_("“Group events” may be on or off."),
        ),
        Provider(
            "mailtrap",
            "Mailtrap",
            _THEIRS + "mailtrap.MailtrapTrackingWebhookView",
            option="tracking_secret",
            key=_("The signature key of the webhook, which Mailtrap shows once the webhook is made."),
            menu="Integrations → Webhooks",
            tells="Delivery, Soft bounce, Bounce, Suspension, Unsubscribe, Spam complaint, Reject",
            sees="Open, Click",
            note=_("The payload’s format is JSON."),
        ),
        Provider(
            "mandrill",
            "Mandrill",
            _THEIRS + "mandrill.MandrillCombinedWebhookView",
            option="webhook_key",
            key=_("The key of the webhook, which Mandrill shows in its list of webhooks."),
            menu="Settings → Webhooks",
            tells=(
                "Message Is Delayed, Message Is Bounced, Message Is Soft-Bounced, "
                "Message Is Marked As Spam, Message Recipient Unsubscribes, Message Is Rejected"
            ),
            sees="Message Is Opened, Message Is Clicked",
        ),
        Provider(
            "postal",
            "Postal",
            _THEIRS + "postal.PostalTrackingWebhookView",
            option="webhook_key",
            key=_("The public key of the Postal server: the p= of its DKIM record, in base64."),
            menu="Webhooks → Add new webhook",
            tells="MessageSent, MessageDelayed, MessageDeliveryFailed, MessageBounced",
            sees="MessageLinkClicked",
        ),
        Provider(
            "postmark",
            "Postmark",
            _THEIRS + "postmark.PostmarkTrackingWebhookView",
            menu="Servers → Message stream → Webhooks",
            tells="Delivery, Bounce, Spam Complaint, Subscription Change",
            sees="Open, Link Click",
            note=_("With “Include bounce content”, scripts get the mail itself that came back."),
        ),
        Provider(
            "resend",
            "Resend",
            _OURS + "Resend",
            option="signing_secret",
            key=_("The signing secret of the webhook, which begins with whsec_."),
            menu="Webhooks → Add webhook",
            tells="email.delivered, email.delivery_delayed, email.bounced, email.complained",
            sees="email.opened, email.clicked",
        ),
        Provider(
            "sendgrid",
            "SendGrid",
            _OURS + "SendGrid",
            option="tracking_webhook_verification_key",
            key=_("The verification key of the signed event webhook, in base64."),
            menu="Settings → Mail Settings → Event Webhooks",
            tells="Delivered, Deferred, Bounced, Dropped, Spam Reports, Unsubscribed",
            sees="Opened, Clicked",
            note=_("“Signed Event Webhook” has to be on."),
        ),
        Provider(
            "sparkpost",
            "SparkPost",
            _THEIRS + "sparkpost.SparkPostTrackingWebhookView",
            menu="Configuration → Webhooks",
            tells=(
                "Delivery, Bounce, Out of Band, Delay, Policy Rejection, Spam Complaint, Generation Failure, "
                "Generation Rejection, List Unsubscribe, Link Unsubscribe"
            ),
            sees="Open, Initial Open, Click",
        ),
        Provider(
            "unisender_go",
            "Unisender Go",
            _OURS + "UnisenderGo",
            option="api_key",
            key=_("The API key of the Unisender Go account or project."),
            menu="Webhooks",
            tells="delivered, soft_bounced, hard_bounced, spam, unsubscribed",
            sees="opened, clicked",
        ),
    )
}
CHOICES: Final = [(each.slug, each.label) for each in PROVIDERS.values()]
