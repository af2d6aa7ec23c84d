"""The keys that ESPs sign with, as staff paste them."""

import re
from base64 import b64decode
from typing import Final

from cryptography.hazmat.primitives.serialization import load_der_public_key
from django.utils.translation import gettext as _

from esp.calls import reader_of
from esp.models import Webhook
from esp.providers import PROVIDERS

# Those whose key is a public one, in base64.
_PUBLIC: Final = ("postal", "sendgrid")
# PEM (RFC 7468) and DKIM records (RFC 6376, 3.6.1) have it as well.
_ARMOUR: Final = re.compile(r"-----[A-Z ]{1,40}-----")
_RECORD: Final = re.compile(r"(?:\A|;)\s*p=([A-Za-z0-9+/=\s]+)")


def normal_key(esp: str, pasted: str) -> str:
    """The key as the reader of this ESP's calls takes it. Raises ValueError, with words for whoever pasted it."""
    provider = PROVIDERS[esp]
    if not provider.signs:
        raise ValueError(_("%(esp)s does not sign its calls: leave this empty.") % {"esp": provider.label})
    key = _bare(pasted) if esp in _PUBLIC else pasted.strip()
    try:
        if esp in _PUBLIC:
            load_der_public_key(b64decode(key, validate=True))
        key.encode("ascii")
        reader_of(Webhook(esp=esp, signing_key=key))
    except Exception:
        words = _("This is no key of %(esp)s. %(help)s")
        raise ValueError(words % {"esp": provider.label, "help": provider.key}) from None
    return key


def _bare(pasted: str) -> str:
    record = _RECORD.search(pasted)
    return "".join((record[1] if record else _ARMOUR.sub("", pasted)).split())
