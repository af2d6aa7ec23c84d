"""Envelope senders that name their message (variable envelope return paths, VERP), signed. Pure.

What comes back to such an address is about that message, whatever the mail in it looks like. The local part is `b-` and
base32 (RFC 4648, 6; in lower case, unpadded) of

    version (1 byte) | key id (1) | account (8) | message UUID (16) | MAC (10)

60 characters of the 64 that there may be (RFC 5321, 4.5.3.1.1), in an alphabet that servers may write in upper case.
The MAC is keyed BLAKE2b with the keyring of pixels and links, personalised by purpose.
"""

import base64
import struct
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from typing import Final
from uuid import UUID

from tracking.tokens import LAST_ACCOUNT, BadToken, Keyring, RetiredKey

PREFIX: Final = "b-"
VERSION: Final = 1

_CONTENT = struct.Struct(">BBQ16s")
_MAC_SIZE = 10
_PURPOSE = b"envelope"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The message that an envelope address stands for, and its account."""

    account: int
    message: UUID


def sign_envelope(envelope: Envelope, keyring: Keyring, domain: str) -> str:
    """The address that mail about the message comes back to. Raises ValueError for an account that can't be."""
    if not 0 <= envelope.account <= LAST_ACCOUNT:
        raise ValueError(f"An account's number must be from 0 to {LAST_ACCOUNT}, not {envelope.account}.")
    content = _CONTENT.pack(VERSION, keyring.current, envelope.account, envelope.message.bytes)
    return f"{PREFIX}{_encode(content + _mac(content, keyring.keys[keyring.current]))}@{domain}"


def read_envelope(address: str, keyring: Keyring, now: float) -> Envelope:
    """What `sign_envelope` signed, whatever the domain and the case of its letters; `now` in Unix seconds.

    Raises BadToken for any other address, RetiredKey among them.
    """
    signed = _decode(address.rpartition("@")[0].lower())
    version, key_id, account, message = _CONTENT.unpack_from(signed)
    if version != VERSION:
        raise BadToken("unknown version")
    secret = keyring.keys.get(key_id)
    if secret is None:
        raise BadToken("unknown key")
    if not compare_digest(_mac(signed[:-_MAC_SIZE], secret), signed[-_MAC_SIZE:]):
        raise BadToken("forged")
    if keyring.is_retired(key_id, now):
        raise RetiredKey("retired key")
    return Envelope(account, UUID(bytes=message))


def _mac(content: bytes, secret: bytes) -> bytes:
    return blake2b(content, digest_size=_MAC_SIZE, key=secret, person=_PURPOSE).digest()


def _encode(signed: bytes) -> str:
    return base64.b32encode(signed).rstrip(b"=").decode("ascii").lower()


def _decode(local: str) -> bytes:
    token = local.removeprefix(PREFIX)
    try:
        signed = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except ValueError:
        raise BadToken("malformed") from None
    # The decoder skips spare bits; only the one spelling that we sign may pass.
    if len(signed) != _CONTENT.size + _MAC_SIZE or local != PREFIX + _encode(signed):
        raise BadToken("malformed")
    return signed
