"""Texts that are encrypted at rest (Fernet: AES-128-CBC with HMAC-SHA256), under keys from the environment."""

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


def fernet() -> MultiFernet:
    """Encrypts with the first of ENCRYPTION_KEYS and reads what any of them wrote. Raises ImproperlyConfigured."""
    try:
        return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])
    except ValueError as error:
        raise ImproperlyConfigured(
            "ENCRYPTION_KEYS holds a key that is none: each is 32 random bytes in URL-safe base64, newest first, "
            "separated by commas."
        ) from error


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not generic at run time
    """A text that only the bearer of the keys can read from the table. An empty text stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        return fernet().encrypt(value.encode()).decode() if value else value

    def from_db_value(self, value: str | None, *args: Any) -> str | None:
        return decrypt(value) if value else value


def decrypt(stored: str) -> str:
    """The text behind a stored value. Raises ImproperlyConfigured when none of the keys wrote it."""
    try:
        return fernet().decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise ImproperlyConfigured(
            "A stored secret can't be read with ENCRYPTION_KEYS. Put the key it was written with back into the list."
        ) from error


def renewed(stored: str) -> str:
    """The same text, as the newest key writes it; unchanged where that key wrote it. Raises ImproperlyConfigured."""
    try:
        Fernet(settings.ENCRYPTION_KEYS[0]).decrypt(stored.encode())
    except InvalidToken:
        return fernet().encrypt(decrypt(stored).encode()).decode()
    return stored
