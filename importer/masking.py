"""Takes secrets out of whatever is shown: standard output and error, logs, reports, a server's words.

A server or a list can hold a secret in an encoded form. Recognised is what is cheap to recognise: other case, JSON,
HTML and URL escapes, hexadecimal, base64 at any offset, reversed, and invisible characters in between (SECURITY.md).
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final, TextIO

    from importer.model import Json

MASK: Final = "***"
_SHORTEST: Final = 6
"""Characters of a secret that is looked for: a shorter one would be found in ordinary words."""
_LONGEST: Final = 1_000
"""Characters of a secret that is looked for in other forms, too."""
_INVISIBLE: Final = (
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
_BETWEEN: Final = rf"(?:{_INVISIBLE}|\\x[0-9a-fA-F]{{2}}|\\u[0-9a-fA-F]{{4}}|\\U[0-9a-fA-F]{{8}}|\\[nrtbf])"
"""What may split a secret: characters that do not show, as they are or as the escape that we or JSON write for them."""
_SPLITTERS: Final = re.compile(_BETWEEN)


class Mask:
    """Replaces these secrets by `***`. Without secrets it gives back what it is given."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = [secret for secret in secrets if len(secret) >= _SHORTEST]
        self._secrets = tuple(known)
        forms = {form for secret in known for form in (_forms(secret) if len(secret) <= _LONGEST else (secret,))}
        found = sorted((form.lower() for form in forms), key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, found)), re.IGNORECASE)
        # Where none of these is, no other form is: the longer ones hold them.
        self._shortest = [form for form in found if not any(other in form for other in found if other != form)]
        self._shortest_bytes = [form.encode("utf-8", "surrogateescape") for form in self._shortest]

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def is_in(self, text: str) -> bool:
        """Whether a secret is in `text` as it is: quick, for much text of somebody who does not know it."""
        return any(secret in text for secret in self._secrets)

    def shows(self, text: str) -> bool:
        """Whether a secret can be read in `text`."""
        return self.text(text) != text

    def text(self, text: str) -> str:
        """`text` without the secrets."""
        if not self._shortest:
            return text
        low = text.lower()
        for form in self._shortest:
            if form in low:
                text = self._pattern.sub(MASK, text)
                break
        if text.isascii() and "\\" not in text and text.rstrip("\r\n").isprintable():
            return text
        bare = _SPLITTERS.sub("", text)
        if len(bare) != len(text) and any(form in bare.lower() for form in self._shortest):
            text = self._without_split(text, bare)
        return text

    def _without_split(self, text: str, bare: str) -> str:
        """`text` without the secrets that are whole only in `bare`, which is `text` without what splits them."""
        kept: list[int] = []  # position in `bare` -> position in `text`
        end = 0
        for gap in _SPLITTERS.finditer(text):
            kept.extend(range(end, gap.start()))
            end = gap.end()
        kept.extend(range(end, len(text)))
        for match in reversed(list(self._pattern.finditer(bare))):
            text = text[: kept[match.start()]] + MASK + text[kept[match.end() - 1] + 1 :]
        return text

    def data(self, data: bytes) -> bytes:
        """UTF-8 `data` without the secrets that are whole in it."""
        low = data.lower() if self._shortest else b""
        if not any(form in low for form in self._shortest_bytes):
            return data
        return self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def value(self, value: Json) -> Json:
        """A JSON value without the secrets, wherever in it they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return value


NO_MASK: Final = Mask()


class MaskedStream:
    """A text stream to write to, without the secrets. Each must be within one `write`, as in a whole cell or line."""

    def __init__(self, stream: TextIO, mask: Mask) -> None:
        self._stream = stream
        self._mask = mask

    def write(self, text: str) -> int:
        """Write `text` without the secrets; its length."""
        self._stream.write(self._mask.text(text))
        return len(text)


def _forms(secret: str) -> Iterator[str]:
    # Here, because --help has no secret to mask and should not wait for them.
    import html
    import json
    from base64 import b64encode
    from urllib.parse import quote

    data = secret.encode("utf-8", "surrogateescape")
    if len(secret) >= 32 and secret.isascii() and "/" not in secret:  # a server may give back a part of it
        yield from (secret[: len(secret) // 2], secret[len(secret) // 2 :])
    yield from (secret, secret[::-1], json.dumps(secret)[1:-1], html.escape(secret), quote(data, safe=""), data.hex())
    for before in range(3):  # bytes that stand before the secret in what was encoded, as in "Bearer SECRET"
        encoded = b64encode(bytes(before) + data).decode()
        # Of the characters at both ends some bits belong to what stands beside the secret.
        core = encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        for form in {core, core.replace("+", "-").replace("/", "_")}:
            yield from (form, form[: len(form) // 2], form[len(form) // 2 :]) if len(form) >= 40 else (form,)


_ASSIGNED: Final = re.compile(r"(?<=[A-Za-z0-9_])=[^=\s\x00].*", re.DOTALL)
_USER: Final = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*:[/\\]+)?[^\s@:]*:.*@")
_RUN: Final = re.compile(r"[A-Za-z0-9+/_.~=-]{8,}")


def without_user(address: str) -> str:
    """A URL, or what was meant as one (`https:/me:word@host` is a typing mistake), without its user and password."""
    if "@" not in address or ":" not in address:
        return address
    return _USER.sub(lambda match: f"{match[1] or ''}{MASK}@", address, count=1)


def guarded(text: str, limit: int = 60) -> str:
    """Text from a file that was refused, as far as it may be shown: the file may hold a password and no list at all.

    Values behind `NAME=`, users in URLs and runs of characters that look like a key are masked; the rest is shortened.
    """
    text = without_user(_ASSIGNED.sub(f"={MASK}", text))
    text = _RUN.sub(_masked_run, text)
    return text if len(text) <= limit else f"{text[:limit]}…"


_DATED: Final = re.compile(r"[A-Za-z_.-]*\d{1,4}([_.-]\d{1,4})*")
"""`Level 2024-11-26`, `actor_alias_12`: a name with a number or a date at its end."""
_PARTS: Final = re.compile(r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])")


def _masked_run(match: re.Match[str]) -> str:
    run = match[0]
    digits, parts = sum(map(str.isdigit, run)), [part for part in _PARTS.split(run) if part]
    letters, longest = sum(map(len, parts)), max(map(len, parts), default=0)
    if longest <= 16 and _DATED.fullmatch(run):
        return run
    random = longest > 24 or (len(parts) > 5 and letters < 4 * len(parts))
    key = digits >= 2 and letters >= 2 if len(run) < 16 else digits > 0 or random
    return f"{run[:2]}{MASK}" if key else run
