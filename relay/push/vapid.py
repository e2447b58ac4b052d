"""Own the relay's key pair for push services and sign requests with it (RFC 8292, rest-account.md 8.1)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from dataclasses import dataclass
from typing import Final

from yarl import URL

from relay import jsontext
from relay.clock import Clock
from relay.push.limits import PushConfig
from relay.secrets_file import SecretsFile

log = logging.getLogger(__name__)

#: Half a day; a push service refuses more than a whole one (RFC 8292 2).
TOKEN_LIFE: Final = 43_200
_NAME: Final = "vapid"
_PRIVATE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Hold a pair as base64url without padding: the raw P-256 scalar and the uncompressed point."""

    private: str
    public: str

    @classmethod
    def generate(cls) -> KeyPair:
        """Make a new pair."""
        from cryptography.hazmat.primitives.asymmetric import ec

        number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        made = cls.of_private(_text(number.to_bytes(_PRIVATE_BYTES, "big")))
        assert made is not None
        return made

    @classmethod
    def of_private(cls, private: str) -> KeyPair | None:
        """Answer the pair of a private key, None when it is none."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        raw = _bytes(private)
        if len(raw) != _PRIVATE_BYTES:
            return None
        try:
            key = ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
        except ValueError:
            return None
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return cls(_text(raw), _text(point))

    def signed(self, claims: dict[str, object]) -> str:
        """Answer `claims` as a JSON Web Token, signed with ES256 (RFC 7518 3.4)."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        key = ec.derive_private_key(int.from_bytes(_bytes(self.private), "big"), ec.SECP256R1())
        head = _text(jsontext.dumps({"typ": "JWT", "alg": "ES256"}))
        signing = f"{head}.{_text(jsontext.dumps(claims))}"
        r, s = utils.decode_dss_signature(key.sign(signing.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signing}.{_text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class Vapid:
    """Answer the pair that identifies this relay: the operator's, or one made once and kept with the secrets."""

    def __init__(self, config: PushConfig, secrets: SecretsFile, clock: Clock) -> None:
        self._config = config
        self._secrets = secrets
        self._clock = clock
        self._pair: KeyPair | None = None
        self._loading = asyncio.Lock()

    async def pair(self) -> KeyPair:
        """Answer the pair; raises SecretsError when it can't be kept."""
        async with self._loading:
            if self._pair is None:
                # The import is what takes time; the file is written here, because nobody else may do it meanwhile.
                await asyncio.to_thread(_warm_up)
                self._pair = self._configured() or self._kept()
        return self._pair

    async def authorization(self, endpoint: str) -> str:
        """Answer the `Authorization` header of a request to `endpoint`; raises SecretsError."""
        pair = await self.pair()
        token = pair.signed(
            {
                "aud": str(URL(endpoint).origin()),
                "exp": int(self._clock.now()) + TOKEN_LIFE,
                "sub": self._config.subject,
            }
        )
        return f"vapid t={token}, k={pair.public}"

    def _configured(self) -> KeyPair | None:
        config = self._config
        if not config.public_key and not config.private_key:
            return None
        pair = KeyPair.of_private(config.private_key)
        if pair is None or _bytes(config.public_key) != _bytes(pair.public):
            log.warning("the configured VAPID keys are no pair; the relay's own take their place")
            return None
        return pair

    def _kept(self) -> KeyPair:
        kept = KeyPair.of_private(self._secrets.get(_NAME, lambda: KeyPair.generate().private))
        if kept is None:
            # Every subscription is bound to the lost key, but new ones must be possible.
            log.error("the kept VAPID key is damaged; a new one lasts until the relay stops")
            return KeyPair.generate()
        return kept


def _warm_up() -> None:
    KeyPair.generate()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Read base64url with or without padding; what is none is empty."""
    try:
        return base64.urlsafe_b64decode(text.rstrip("=").encode("ascii") + b"=" * (-len(text.rstrip("=")) % 4))
    except (UnicodeEncodeError, binascii.Error):
        return b""
