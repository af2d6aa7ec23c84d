from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanWidget

from feedbackloops.admin.narrowing import FIELDS_LATER, FieldNames, PartsField
from feedbackloops.admin.picker import EventPicker, type_choices
from feedbackloops.door import address_problem
from feedbackloops.models import FeedbackLoop
from feedbackloops.models.loops import validate_private_key
from feedbackloops.protocol.narrowing import Narrowing
from feedbackloops.protocol.place import url_problem
from feedbackloops.protocol.signing import generate_rsa_key
from profiles.models import Database
from profiles.pages import CarefulForm
from profiles.saying import said

ONE_KEY = _("Choose one: paste a key, have a new one made, or remove the key.")
DATABASES_HELP = _(
    "Only events of people in these databases; mails to people without a profile are then left out. Tick none for all."
)


class LoopForm(CarefulForm):
    """A loop. The stored private key is never shown: a key can be set, replaced or removed."""

    event_types = forms.MultipleChoiceField(
        choices=type_choices(),
        widget=EventPicker(),
        label=_("Event types"),
        help_text=_("Only these events are sent."),
    )
    only_fields = FieldNames()
    left_out = PartsField()
    new_rsa_key = forms.CharField(
        label=_("Paste a private key"),
        required=False,
        validators=[validate_private_key],
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("PEM, 2048 to 4096 bits. It takes the place of the stored key, and is stored encrypted."),
    )
    make_rsa_key = forms.BooleanField(label=_("Make a new key"), required=False, widget=UnfoldBooleanWidget())
    remove_rsa_key = forms.BooleanField(label=_("Remove the key"), required=False, widget=UnfoldBooleanWidget())

    class Meta:
        model = FeedbackLoop
        fields = [
            "account",
            "name",
            "url",
            "contact",
            "event_types",
            "people_only",
            "databases",
            "only_fields",
            "left_out",
            "body_format",
            "status",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account = self._account()
        if "databases" in self.fields:
            self._offer_own_databases(self.fields["databases"])
        if "event_types" in self.fields:
            self.fields["event_types"].widget.account = account
        self._offer_narrowing(account)

    def clean_url(self) -> str:
        """Say at once what would otherwise be seen at the first look. What is not a URL, the model says."""
        url: str = self.cleaned_data["url"]
        if "url" in self.changed_data and not url_problem(url) and (problem := address_problem(url)):
            words = _("The address in the URL is never called: %(problem)s. Enter a public server.")
            raise ValidationError(words, params={"problem": said(problem)})
        return url

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "new_rsa_key" in self.fields:
            self._replace_key(cleaned)
        return cleaned

    def changed_fields(self) -> set[str]:
        key_changed = {"new_rsa_key", "make_rsa_key", "remove_rsa_key"} & set(self.changed_data)
        return super().changed_fields() | ({"rsa_private_key", "rsa_key_id"} if key_changed else set())

    def _account(self) -> int | None:
        """The number of the loop's account; of a new one, as far as it is chosen, and may be."""
        number: int | None = self.instance.account_id
        if number or "account" not in self.fields:
            return number
        field: Any = self.fields["account"]
        try:
            number = field.clean(self["account"].value()).pk
        except ValidationError:
            return None
        return number

    def _offer_own_databases(self, field: Any) -> None:
        own = Database.objects.filter(account_id=self.instance.account_id).select_related("account")
        field.queryset = own
        field.widget.can_add_related = False
        field.help_text = DATABASES_HELP
        field.label_from_instance = lambda database: database.name
        words = _("A database that was chosen is not one of this account; choose again.")
        field.error_messages["invalid_choice"] = words

    def _offer_narrowing(self, account: int | None) -> None:
        """Offer what there is to leave out, and have the examples show what is."""
        if account is None and "only_fields" in self.fields:
            self.fields["only_fields"].help_text = FIELDS_LATER
        chosen = [list(self[name].value() or ()) if name in self.fields else [] for name in ("only_fields", "left_out")]
        if isinstance(field := self.fields.get("only_fields"), FieldNames):
            field.offer(account, chosen[0])
        if "event_types" in self.fields:
            self.fields["event_types"].widget.narrowing = Narrowing.of(*chosen)

    def _replace_key(self, cleaned: dict[str, Any]) -> None:
        pasted, made, removed = (cleaned.get(name) for name in ("new_rsa_key", "make_rsa_key", "remove_rsa_key"))
        if sum(map(bool, (pasted, made, removed))) > 1:
            raise ValidationError(ONE_KEY)
        if pasted or made:
            self.instance.rsa_private_key = pasted or generate_rsa_key()
        if removed:
            self.instance.rsa_private_key = cleaned["rsa_key_id"] = ""
