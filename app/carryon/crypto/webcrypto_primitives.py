"""The primitives in the browser, by WebCrypto (`crypto.subtle`), called from Python in Pyodide.

1. A batch is one list of promises and one wait: half the time of a task for each, measured on 1,000 signatures.
2. WebCrypto wants keys as objects. Each key's object is made once and kept; the least recently used goes when there are
   more than `KEY_OBJECTS_MAX`.
3. Private keys come in as PKCS #8 (RFC 8410): a fixed prefix, then the 32 bytes. WebCrypto gives the public key of a
   private one by way of a JWK only, so these two imports alone are extractable, and their objects are not kept.
4. Values cross as copies (`Uint8Array` in, `bytes` out). No Python object is handed to JavaScript, so there is no proxy
   that somebody would have to destroy.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from carryon.crypto.primitives import (
    KEY_BYTES,
    NONCE_BYTES,
    TAG_BYTES,
    CryptoError,
    Plain,
    Sealed,
    Signed,
    Unsupported,
    may_verify,
)

KEY_OBJECTS_MAX = 512

_PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")
_PKCS8_X25519 = bytes.fromhex("302e020100300506032b656e04220420")


class WebCryptoPrimitives:
    """`Primitives` by the browser. Raises `Unsupported` where the page or the browser has no such thing."""

    def __init__(self) -> None:
        self._subtle = subtle()
        self._key_objects: OrderedDict[tuple[str, str, bytes], Any] = OrderedDict()

    async def signing_public(self, private: bytes) -> bytes:
        return await self._public("Ed25519", _PKCS8_ED25519 + private, "sign")

    async def agreement_public(self, private: bytes) -> bytes:
        return await self._public("X25519", _PKCS8_X25519 + private, "deriveBits")

    async def sign(self, private: bytes, messages: Sequence[bytes]) -> list[bytes]:
        key = await self._key("pkcs8", "Ed25519", ["sign"], _PKCS8_ED25519 + private)
        sign = self._subtle.sign
        answers = await settled(sign("Ed25519", key, to_js(message)) for message in messages)
        return [as_bytes(value(answer)) for answer in answers]

    async def verify(self, questions: Sequence[Signed]) -> list[bool]:
        keys = await self._keys("raw", "Ed25519", ["verify"], [q.public for q in questions if may_verify(q)])
        verify = self._subtle.verify
        places = [place for place, q in enumerate(questions) if q.public in keys and may_verify(q)]
        answers = await settled(
            verify("Ed25519", keys[q.public], to_js(q.signature), to_js(q.message))
            for q in (questions[place] for place in places)
        )
        verdicts = [False] * len(questions)
        for place, answer in zip(places, answers, strict=True):
            verdicts[place] = bool(value(answer))
        return verdicts

    async def agree(self, private: bytes, public: bytes) -> bytes | None:
        if len(public) != KEY_BYTES:
            return None
        own = await self._key("pkcs8", "X25519", ["deriveBits"], _PKCS8_X25519 + private)
        others = await self._keys("raw", "X25519", [], [public])
        if public not in others:
            return None
        algorithm = record(name="X25519", public=others[public])
        [answer] = await settled([self._subtle.deriveBits(algorithm, own, 8 * KEY_BYTES)])
        return None if refused(answer) else as_bytes(value(answer))

    async def derive(self, key: bytes, salt: bytes, info: bytes) -> bytes:
        source = await self._key("raw", "HKDF", ["deriveBits"], key)
        algorithm = record(name="HKDF", hash="SHA-256", salt=to_js(salt), info=to_js(info))
        [answer] = await settled([self._subtle.deriveBits(algorithm, source, 8 * KEY_BYTES)])
        return as_bytes(value(answer))

    async def seal(self, plains: Sequence[Plain]) -> list[bytes]:
        keys = await self._keys("raw", "AES-GCM", ["encrypt", "decrypt"], [plain.key for plain in plains])
        encrypt = self._subtle.encrypt
        answers = await settled(
            encrypt(aes_gcm(plain.nonce, plain.associated), keys[plain.key], to_js(plain.plaintext)) for plain in plains
        )
        return [as_bytes(value(answer)) for answer in answers]

    async def open(self, sealeds: Sequence[Sealed]) -> list[bytes | None]:
        keys = await self._keys("raw", "AES-GCM", ["encrypt", "decrypt"], [sealed.key for sealed in sealeds])
        decrypt = self._subtle.decrypt
        places = [
            place
            for place, sealed in enumerate(sealeds)
            if len(sealed.nonce) == NONCE_BYTES and len(sealed.ciphertext) >= TAG_BYTES
        ]
        answers = await settled(
            decrypt(aes_gcm(sealed.nonce, sealed.associated), keys[sealed.key], to_js(sealed.ciphertext))
            for sealed in (sealeds[place] for place in places)
        )
        opened: list[bytes | None] = [None] * len(sealeds)
        for place, answer in zip(places, answers, strict=True):
            opened[place] = None if refused(answer) else as_bytes(value(answer))
        return opened

    async def _public(self, algorithm: str, pkcs8: bytes, usage: str) -> bytes:
        [imported] = await settled([self._subtle.importKey("pkcs8", to_js(pkcs8), algorithm, True, to_js([usage]))])
        jwk = await self._subtle.exportKey("jwk", value(imported))
        return base64.urlsafe_b64decode(str(jwk.x) + "=")

    async def _key(self, form: str, algorithm: str, usages: list[str], raw: bytes) -> Any:
        keys = await self._keys(form, algorithm, usages, [raw])
        return keys[raw]

    async def _keys(self, form: str, algorithm: str, usages: list[str], raws: Iterable[bytes]) -> dict[bytes, Any]:
        """Give the objects of these keys, importing those not kept; a public key that is no point is left out."""
        kept = {raw: self._key_objects.get((form, algorithm, raw)) for raw in raws}
        missing = [raw for raw, key in kept.items() if key is None]
        if missing:
            import_key, js_usages = self._subtle.importKey, to_js(usages)
            answers = await settled(import_key(form, to_js(raw), algorithm, False, js_usages) for raw in missing)
            kept |= {raw: value(answer) for raw, answer in zip(missing, answers, strict=True) if not _no_point(answer)}
        found = {raw: key for raw, key in kept.items() if key is not None}
        for raw, key in found.items():
            self._key_objects[form, algorithm, raw] = key
            self._key_objects.move_to_end((form, algorithm, raw))
        while len(self._key_objects) > KEY_OBJECTS_MAX:
            self._key_objects.popitem(last=False)
        return found


def subtle() -> Any:
    """Give `crypto.subtle`; pages that are not secure have none."""
    found = getattr(js.crypto, "subtle", None)
    if found is None:
        raise Unsupported("this page may not use cryptography: open it by https, or on this machine by localhost")
    return found


def record(**fields: object) -> Any:
    """Make a JavaScript object of these fields."""
    return to_js(fields, dict_converter=js.Object.fromEntries)


def aes_gcm(nonce: bytes, associated: bytes) -> Any:
    """Make the algorithm argument of `encrypt` and `decrypt`."""
    return record(name="AES-GCM", iv=to_js(nonce), additionalData=to_js(associated))


async def settled(calls: Iterable[Any]) -> list[Any]:
    """Start all calls, then wait for each; give what each came to in their order, a `JsException` where it failed."""
    answers: list[Any] = []
    for call in list(calls):
        try:
            answers.append(await call)
        except JsException as error:
            answers.append(error)
    return answers


def value(answer: Any) -> Any:
    """Give what a call came to; raise in words where it failed."""
    if not isinstance(answer, JsException):
        return answer
    if answer.name == "NotSupportedError":
        raise Unsupported(
            "this browser lacks a primitive that Carryon needs "
            f"(Ed25519, X25519, AES-GCM, HKDF; it says: {answer.message}): "
            "use Chrome or Edge 137, Firefox 130, Safari 17, or newer"
        )
    raise CryptoError(f"the browser's cryptography failed: {answer.name}: {answer.message}")


def as_bytes(buffer: Any) -> bytes:
    """Copy an ArrayBuffer out of JavaScript."""
    copied: bytes = buffer.to_bytes()
    return copied


def refused(answer: Any) -> bool:
    """Tell whether the bytes were refused: a wrong tag, or a shared secret of zeros, is an OperationError."""
    return isinstance(answer, JsException) and answer.name == "OperationError"


def _no_point(answer: Any) -> bool:
    """Tell whether a public key was refused at import; some browsers check there that it is a point of the curve."""
    return isinstance(answer, JsException) and answer.name == "DataError"
