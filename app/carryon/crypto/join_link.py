"""The link by which a device joins a notebook: text to send to a person, and what it says.

    link      site address · "?join#" · base64url, without padding, of:
    format    1 byte, 1
    notebook  16 bytes
    seed      32 bytes, secret: the invite's keys are derived from it (`invites`)
    relay     the relay's address, an http(s) URL in ASCII, at most `ADDRESS_BYTES_MAX` bytes
    check     4 bytes: the start of SHA-256 of labelled("join-link", all before), against copies cut short

1. The secret stands behind the #, which no browser sends to a server. Whoever has the link can join until it is used up
   or expires.
2. It never carries the root seed or a device's key.
3. Blanks and line ends that a mail program put in are taken out. Anything else that is not exactly such a link is
   `Rejected` with words for the person who pasted it.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from carryon_sync.formats.octets import labelled
from carryon_sync.formats.rejected import Rejected

FORMAT = 1
SEED_BYTES = 32
ADDRESS_BYTES_MAX = 512
LINK_CHARACTERS_MAX = 4096

_NOTEBOOK_BYTES = 16
_CHECK_BYTES = 4
_HEAD_BYTES = 1 + _NOTEBOOK_BYTES + SEED_BYTES
_COPY_AGAIN = "copy the whole link again, with everything after the #"


@dataclass(frozen=True, slots=True)
class JoinLink:
    """What a link says."""

    notebook: bytes
    seed: bytes
    relay: str

    @property
    def this_machine_only(self) -> bool:
        """Tell whether the relay's address means another machine on each machine (localhost, 127.0.0.1, ::1)."""
        host = urlsplit(self.relay).hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return address.is_loopback or address.is_unspecified


def encode_link(site: str, link: JoinLink) -> str:
    """Write a link that opens the site at this address. The relay's address must be one that `check_address` takes."""
    assert check_address(link.relay) is None, f"{link.relay!r} is no relay's address"
    payload = bytes([FORMAT]) + link.notebook + link.seed + link.relay.encode()
    text = base64.urlsafe_b64encode(payload + _check(payload)).rstrip(b"=").decode()
    return f"{site.partition('#')[0].partition('?')[0]}?join#{text}"


def decode_link(text: str) -> JoinLink | Rejected:
    """Read a link, or the part of it after the #."""
    if len(text) > LINK_CHARACTERS_MAX:
        return Rejected(f"an invitation has at most {LINK_CHARACTERS_MAX} characters, this text has {len(text)}")
    encoded = "".join(text.split()).rpartition("#")[2]
    if not encoded or "/" in encoded:
        return Rejected(f"there is no invitation in this link: {_COPY_AGAIN}")
    payload = _decoded(encoded)
    if payload is None:
        return Rejected(f"this link has characters that no invitation has: {_COPY_AGAIN}")
    if len(payload) <= _HEAD_BYTES + _CHECK_BYTES:
        return Rejected(f"this link is cut off: {_COPY_AGAIN}")
    if payload[0] != FORMAT:
        return Rejected(f"this link has format {payload[0]}, known is {FORMAT}: update Carryon, then open it again")
    if _check(payload[:-_CHECK_BYTES]) != payload[-_CHECK_BYTES:]:
        return Rejected(f"this link is cut off or changed: {_COPY_AGAIN}")
    address = payload[_HEAD_BYTES:-_CHECK_BYTES]
    relay = address.decode("ascii", "replace")
    problem = check_address(relay)
    if problem is not None:
        return problem
    notebook, seed = payload[1 : 1 + _NOTEBOOK_BYTES], payload[1 + _NOTEBOOK_BYTES : _HEAD_BYTES]
    return JoinLink(notebook, seed, relay)


def check_address(address: str) -> Rejected | None:
    """Refuse what is no relay's address: an http(s) URL with a host and, at most, a port and a path."""
    if len(address) > ADDRESS_BYTES_MAX:
        return Rejected(f"the relay's address has {len(address)} characters, at most {ADDRESS_BYTES_MAX} are allowed")
    if not all("!" <= character <= "~" for character in address):
        return Rejected("the relay's address has characters that no address has: write it in ASCII, without blanks")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        return Rejected(f"{address} is no relay's address: {error}")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return Rejected(f"{address} is no relay's address: write it like https://notes.example")
    if parts.username is not None or parts.password is not None or "?" in address or "#" in address:
        return Rejected(f"{address} is no relay's address: leave out the user name, the password, ? and #")
    return None


def _check(payload: bytes) -> bytes:
    return hashlib.sha256(labelled("join-link", payload)).digest()[:_CHECK_BYTES]


def _decoded(text: str) -> bytes | None:
    """Decode base64url, None where another spelling of the same bytes is the right one."""
    try:
        payload = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    right = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    return payload if payload and right == text else None
