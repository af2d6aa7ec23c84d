import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as ever, but for a thousandth of the time."""
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 1000)
