"""The headers of a call, and the two signatures in them."""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b, sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from profiles.sentences import Sentence, gettext_noop

from .place import parse

SECRET_PREFIX = "whsec_"
_SECRET_BYTES = 32
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_COVERED = ("host", "date", "content-length", "content-type", "x-copernica-id", "digest", "x-nonce")


@dataclass(frozen=True, slots=True)
class RsaSigner:
    """A private key, loaded once, and the DNS name of the TXT record with its public key."""

    key_id: str
    key: rsa.RSAPrivateKey = field(repr=False)
    mark: str = ""
    """What tells the key from others: 64 bits of a hash of its public half, in hexadecimal."""

    def sign(self, text: bytes) -> str:
        """Return the RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 8017, 8.2), in base64."""
        return b64encode(self.key.sign(text, padding.PKCS1v15(), SHA256())).decode("ascii")


@dataclass(slots=True)
class SignedRequest:
    """One attempt to deliver: what its headers depend on, but for the moment and the nonce.

    `secrets` are the decoded signing secrets: two during a rotation, one otherwise. `attempt` counts from 1.
    """

    url: str
    content_type: str
    body: bytes = field(repr=False)
    webhook_id: str
    account: int
    attempt: int
    secrets: tuple[bytes, ...] = field(repr=False)
    rsa: RsaSigner | None = None
    is_test: bool = False


def headers(request: SignedRequest, *, now: datetime, nonce: str, user_agent: str) -> list[tuple[str, str]]:
    """Return every header of the wire contract for an attempt made at `now` (aware).

    Raises ValueError for a URL that `place.url_problem` refuses.
    """
    target = parse(request.url)
    seconds = int(now.timestamp())
    fields = [
        ("Host", target.host_header),
        ("Date", _http_date(seconds)),
        ("Content-Type", request.content_type),
        ("Content-Length", str(len(request.body))),
        ("User-Agent", user_agent),
        ("webhook-id", request.webhook_id),
        ("webhook-timestamp", str(seconds)),
        (
            "webhook-signature",
            standard_webhooks_signature(request.secrets, request.webhook_id, seconds, request.body),
        ),
        ("webhook-attempt", str(request.attempt)),
        ("Digest", digest(request.body)),
        ("X-Copernica-ID", f"account-{request.account}"),
        ("X-Nonce", nonce),
    ]
    if request.is_test:
        fields.append(("webhook-test", "1"))
    if request.rsa is not None:
        fields.append(("Signature", _cavage_signature(request.rsa, target.request_target, fields)))
    return fields


def new_nonce() -> str:
    """Return 128 random bits in hexadecimal, for the X-Nonce header."""
    return secrets.token_hex(16)


def nonce_for(secret: bytes, attempt: bytes) -> str:
    """Return the nonce of an attempt with this id: nobody without the secret foretells it, and it can be told later."""
    return blake2b(attempt, key=secret, digest_size=16, person=b"nonce").hexdigest()


def secret_mark(secret: bytes) -> str:
    """Return what tells a secret from others, and nothing else of it: 64 bits of a hash, in hexadecimal."""
    return blake2b(secret, digest_size=8, person=b"mark").hexdigest()


def new_secret() -> str:
    """Return a new signing secret as Standard Webhooks writes it: `whsec_` and 32 random bytes in base64."""
    return SECRET_PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def decode_secret(secret: str) -> bytes:
    """Return the key inside a Standard Webhooks secret (24 to 64 bytes). Raises ValueError, which never shows it."""
    try:
        key = b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError(f"A signing secret is {SECRET_PREFIX} followed by 24 to 64 bytes in base64.")
    return key


def standard_webhooks_signature(secrets: Sequence[bytes], webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return the `webhook-signature` of the Standard Webhooks scheme: `v1,<base64>` per key, separated by a space.

    `timestamp` is in Unix seconds. Raises ValueError where there is no key.
    """
    if not secrets:
        raise ValueError("A call cannot be signed without a secret; give the loop one.")
    signed = b"%b.%d.%b" % (webhook_id.encode(), timestamp, body)
    return " ".join("v1," + b64encode(_hmac(key, signed)).decode("ascii") for key in secrets)


def digest(body: bytes) -> str:
    """Return the Digest header (RFC 3230), its algorithm in lower case as published receivers compare it."""
    return "sha-256=" + b64encode(sha256(body).digest()).decode("ascii")


def generate_rsa_key() -> str:
    """Return a new 2048 bit private key as unencrypted PKCS #8 PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def key_id_problem(key_id: str) -> str | None:
    """Return a sentence that says why this cannot be a key id, or None where it can."""
    if not key_id or any(character in '"\\' or not "!" <= character <= "~" for character in key_id):
        words = gettext_noop(
            "The key id is the DNS name of the TXT record; it has only ASCII letters, digits, dots and -."
        )
        return Sentence(words)
    return None


def rsa_signer(private_pem: str, key_id: str) -> RsaSigner:
    """Load a private key, to sign as `key_id`, the DNS name of its record. Raises ValueError, which never shows it."""
    if problem := key_id_problem(key_id):
        raise ValueError(problem)
    key = _load(private_pem)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return RsaSigner(key_id, key, blake2b(public, digest_size=8).hexdigest())


def dkim_record(private_pem: str) -> str:
    """Return the TXT record with the public key, as in DKIM (RFC 6376, 3.6.1), without spaces. Raises ValueError."""
    public = _load(private_pem).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "v=DKIM1;k=rsa;p=" + b64encode(public).decode("ascii")


def _load(private_pem: str) -> rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(private_pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    # Signing with 8192 bits takes 40 ms, in the thread that all lanes share.
    if not isinstance(key, rsa.RSAPrivateKey) or not 2048 <= key.key_size <= 4096:
        raise ValueError("The signing key is not an unencrypted RSA private key of 2048 to 4096 bits in PEM form.")
    return key


def _cavage_signature(signer: RsaSigner, request_target: str, fields: Sequence[tuple[str, str]]) -> str:
    """Return the Signature header of draft-cavage-http-signatures-12, with the algorithm named `rsa-sha256`."""
    values = {name.lower(): value for name, value in fields}
    lines = [f"(request-target): post {request_target}", *(f"{name}: {values[name]}" for name in _COVERED)]
    signature = signer.sign("\n".join(lines).encode())
    covered = " ".join(("(request-target)", *_COVERED))
    return f'keyId="{signer.key_id}",algorithm="rsa-sha256",headers="{covered}",signature="{signature}"'


def _hmac(key: bytes, text: bytes) -> bytes:
    # hmac.digest() lets go of the interpreter, however short the text, and the thread that makes the calls takes it:
    # two changes of threads for each signature cost more than signing. This does so from 2 kB on.
    mac = _keyed(key).copy()
    mac.update(text)
    return mac.digest()


@lru_cache(maxsize=2048)
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod=sha256)


@lru_cache(maxsize=16)
def _http_date(seconds: int) -> str:
    """Return Unix seconds as an IMF-fixdate (RFC 9110, 5.6.7), in English whatever the locale."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year:04d} {at:%H:%M:%S} GMT"
