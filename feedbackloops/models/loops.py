"""What staff decide about a loop. What engines find out stands in state.py, so that neither overwrites the other."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, validate_email
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from feedbackloops.encryption import EncryptedTextField
from feedbackloops.protocol import challenge, signing
from feedbackloops.protocol.place import place_of, url_problem
from profiles.models import Account, Database
from profiles.saying import said
from tracking.models import EventType


class LoopStatus(models.TextChoices):
    """What staff want of a loop.

    ACTIVE: events are owed and sent.
    PAUSED: events are owed and held.
    DISABLED: nothing new is owed; what waits is held.
    """

    ACTIVE = "active", _("Active")
    PAUSED = "paused", _("Paused")
    DISABLED = "disabled", _("Disabled")


class BodyFormat(models.TextChoices):
    """How the body of a call is written.

    FORM: as PHP reads it into $_POST.
    JSON: the same names, maps as objects, lists as arrays.
    """

    FORM = "form", _("Form (as PHP reads it)")
    JSON = "json", "JSON"


class Part(models.TextChoices):
    """What a loop can leave out of its calls: see protocol.narrowing."""

    RECIPIENT = "recipient", _("The recipient’s e-mail address")
    TAGS = "tags", _("The mail’s tags")
    IP = "ip", _("The IP address")
    USERAGENT = "useragent", _("User agent, program, system, device")
    REFERER = "referer", _("The referer")
    FIELDS = "fields", _("All fields of the profile")
    INTERESTS = "interests", _("The profile’s interests")
    MIME = "mime", _("Mails that came back, whole")


def validate_url(url: str) -> None:
    """Raise ValidationError, with what to do, unless a loop can call this URL."""
    if problem := url_problem(url):
        raise ValidationError(said(problem))


def validate_addresses(text: str) -> None:
    """Raise ValidationError, naming the first that is none, unless these are e-mail addresses with commas between."""
    for address in text.split(","):
        try:
            validate_email(address.strip())
        except ValidationError as error:
            words = _("“%(address)s” is not an e-mail address. Write one, or several with commas between them.")
            raise ValidationError(words, params={"address": address.strip()}) from error


def validate_private_key(pem: str) -> None:
    """Raise ValidationError unless this is an RSA private key of 2048 to 4096 bits, in PEM."""
    try:
        signing.dkim_record(pem)
    except ValueError as error:
        raise ValidationError(_("This is not an RSA private key in PEM of 2048 to 4096 bits.")) from error


def new_file_content() -> str:
    return challenge.new_file().content


def new_file_name() -> str:
    return challenge.new_file(settings.VERIFICATION_FILE_PREFIX).name


class FeedbackLoop(models.Model):
    """Sends the events of one account that it asks for to one script."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="loops", verbose_name=_("account"))
    name = models.CharField(_("name"), max_length=200)
    url = models.CharField(
        "URL",
        max_length=2000,
        validators=[validate_url],
        help_text=_(
            "The script that receives the events. A change of host, port or directory has to be verified again."
        ),
    )
    contact = models.CharField(
        _("contact"),
        max_length=500,
        default="",
        db_default="",
        blank=True,
        validators=[validate_addresses],
        help_text=_(
            "E-mail addresses at the customer's that are told when the script fails for a day, and when sending has "
            "stopped by itself. Several with commas between them."
        ),
    )
    event_types = ArrayField(models.CharField(max_length=12, choices=EventType), verbose_name=_("event types"))
    databases = models.ManyToManyField(
        Database,
        blank=True,
        related_name="loops",
        verbose_name=_("databases"),
        help_text=_("Only events about profiles in these. None: all events."),
    )
    people_only = models.BooleanField(
        _("people only"),
        default=False,
        db_default=False,
        help_text=_(
            "Leave out opens and clicks that a machine made: security scanners, robots, what is fetched ahead. What a "
            "mailbox provider fetches for its users counts as theirs. Off: all are sent, with the verdict."
        ),
    )
    only_fields = ArrayField(
        models.TextField(),
        verbose_name=_("fields of profiles that are sent"),
        default=list,
        db_default=[],
        blank=True,
        help_text=_("Only these fields of the profile or subprofile are in the calls. None: all of them."),
    )
    left_out = ArrayField(
        models.CharField(max_length=9, choices=Part),
        verbose_name=_("left out of calls"),
        default=list,
        db_default=[],
        blank=True,
        help_text=_("What the script does not need, and so does not get."),
    )
    body_format = models.CharField(_("body format"), max_length=4, choices=BodyFormat, default=BodyFormat.FORM)
    status = models.CharField(_("status"), max_length=8, choices=LoopStatus, default=LoopStatus.ACTIVE)
    in_flight_limit = models.PositiveSmallIntegerField(
        _("in flight limit"),
        default=20,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("How many calls may be under way at once."),
    )
    rate_limit = models.PositiveIntegerField(
        _("rate limit"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Calls a second. Empty: no limit."),
    )

    secret = EncryptedTextField(default=signing.new_secret, editable=False)
    previous_secret = EncryptedTextField(default="", blank=True, editable=False)
    # When the secret took the place of the previous one.
    secret_rotated = models.DateTimeField(null=True, editable=False)
    rsa_private_key = EncryptedTextField(
        _("RSA private key"),
        default="",
        blank=True,
        validators=[validate_private_key],
        help_text=_("Only for scripts that check the Signature header. PEM, 2048 to 4096 bits; stored encrypted."),
    )
    rsa_key_id = models.CharField(
        _("RSA key id"),
        max_length=255,
        default="",
        blank=True,
        help_text=_("The DNS name of the TXT record that holds the public key."),
    )

    verification_file = models.CharField(_("verification file"), max_length=100, default=new_file_name, editable=False)
    verification_content = models.CharField(max_length=200, default=new_file_content, editable=False)
    place = models.CharField(max_length=2100, editable=False)
    verified_place = models.CharField(max_length=2100, default="", editable=False)
    verified = models.DateTimeField(null=True, editable=False)
    looks_wanted_since = models.DateTimeField(default=now, editable=False)
    last_look = models.DateTimeField(null=True, editable=False)

    created = models.DateTimeField(_("created"), default=now, editable=False)
    modified = models.DateTimeField(_("last change"), default=now, editable=False)

    class Meta:
        verbose_name = _("feedback loop")
        verbose_name_plural = _("feedback loops")
        permissions = [("view_secret", "Can view the signing secret")]
        ordering = ["account", "name"]
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="loop_name_unique_in_account"),
            models.CheckConstraint(condition=models.Q(status__in=LoopStatus.values), name="loop_status"),
            models.CheckConstraint(condition=models.Q(body_format__in=BodyFormat.values), name="loop_body_format"),
            models.CheckConstraint(condition=models.Q(left_out__contained_by=Part.values), name="loop_left_out"),
            models.CheckConstraint(condition=models.Q(in_flight_limit__range=(1, 1000)), name="loop_in_flight_limit"),
            models.CheckConstraint(
                condition=models.Q(rate_limit__isnull=True) | models.Q(rate_limit__gte=1), name="loop_rate_limit"
            ),
            models.CheckConstraint(
                condition=models.Q(event_types__contained_by=EventType.values) & models.Q(event_types__len__gte=1),
                name="loop_event_types",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the loop; its place follows its URL, and a new one is looked at from now on. Raises ValidationError."""
        validate_url(self.url)
        place = place_of(self.url)
        if place != self.place:
            # Saving rings for the first look, so the next one is not due before the pause after it.
            self.place, self.looks_wanted_since = place, now()
            self.last_look = self.looks_wanted_since
        self.modified = now()
        super().save(*args, **_with_derived(kwargs))

    def clean(self) -> None:
        if self.rsa_key_id and (problem := signing.key_id_problem(self.rsa_key_id)):
            raise ValidationError(said(problem))
        if bool(self.rsa_private_key) != bool(self.rsa_key_id):
            raise ValidationError(_("The RSA private key and its key id go together: enter both, or neither."))
        if self.only_fields and Part.FIELDS in self.left_out:
            words = _("Fields of the profile are chosen, and all are left out. Choose none, or do not leave them out.")
            raise ValidationError(words)

    @property
    def is_verified(self) -> bool:
        """Whether the place that the URL points to was proven to be the owner's."""
        return bool(self.verified_place) and self.verified_place == self.place

    def rotate_secret(self, moment: datetime) -> bool:
        """Sign with a new secret, and with the one before it until the overlap ends; False while one lasts already."""
        # The engines see that the row has changed, whoever wrote it.
        alone = FeedbackLoop.objects.filter(pk=self.pk, previous_secret="")
        changed = {"previous_secret": models.F("secret"), "secret": signing.new_secret(), "secret_rotated": moment}
        return bool(alone.update(**changed, modified=moment))

    def end_overlap(self, moment: datetime) -> bool:
        """Sign with the new secret only; whether there was another one."""
        both = FeedbackLoop.objects.filter(pk=self.pk).exclude(previous_secret="")
        return bool(both.update(previous_secret="", modified=moment))

    @property
    def contacts(self) -> list[str]:
        """The e-mail addresses of the contact."""
        return [address.strip() for address in self.contact.split(",") if address.strip()]

    def ask_for_looks(self, moment: datetime) -> None:
        """Have the verification file looked for from this moment and for a day; the caller asks for the first look."""
        FeedbackLoop.objects.filter(pk=self.pk).update(looks_wanted_since=moment, last_look=moment)


def _with_derived(kwargs: dict[str, Any]) -> dict[str, Any]:
    names: Iterable[str] | None = kwargs.get("update_fields")
    if names is None:
        return kwargs
    derived = {"modified", *({"place", "looks_wanted_since", "last_look"} if "url" in names else ())}
    return kwargs | {"update_fields": {*names, *derived}}
