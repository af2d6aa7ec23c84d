"""One-time codes (RFC 6238) and recovery codes: what they are and whether one fits. Pure."""

import hmac
import re
import secrets
from base64 import b32encode
from datetime import datetime
from hashlib import sha256
from typing import Final

import pyotp
import segno

RECOVERY_CODES: Final = 10
ISSUER: Final = "Marketing Suite"

_SECONDS: Final = 30
# A phone's clock may be off by that many steps, either way.
_DRIFT: Final = 1
_BYTES: Final = 10
_FILLING = re.compile(r"[\s-]+")


def new_secret() -> str:
    """A random secret of 160 bits, in base32."""
    return pyotp.random_base32()


def step_of(secret: str, code: str, now: datetime, after: int) -> int | None:
    """The step, counted in 30 s from 1970, whose code this is; None where it is none of these moments, or of a step
    that is not later than `after`."""
    current = int(now.timestamp()) // _SECONDS
    totp, typed = pyotp.TOTP(secret), plain(code)
    fitting = [
        step
        for step in range(current - _DRIFT, current + _DRIFT + 1)
        if hmac.compare_digest(totp.generate_otp(step).encode(), typed.encode())
    ]
    return next((step for step in fitting if step > after), None)


def new_recovery_codes() -> list[str]:
    """Random codes of 80 bits, in four groups of letters and digits."""
    return [_grouped(b32encode(secrets.token_bytes(_BYTES)).decode().lower()) for _ in range(RECOVERY_CODES)]


def digest(recovery_code: str) -> str:
    """What is kept of a recovery code. It has too many bits to be guessed from that, so no slow hash is needed."""
    return sha256(plain(recovery_code).encode()).hexdigest()


def plain(code: str) -> str:
    """The code without the spaces and dashes that people type, in lower case."""
    return _FILLING.sub("", code).lower()


def uri(secret: str, username: str) -> str:
    """What authenticators read from the picture (Key Uri Format)."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)


def picture(text: str) -> str:
    """A QR code (ISO/IEC 18004) as an SVG element."""
    return segno.make(text, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff")


def _grouped(text: str) -> str:
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))
