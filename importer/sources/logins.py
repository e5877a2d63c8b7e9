"""Logins of feeds: a YAML file of the user's own that says what each server is shown, and nobody else.

feeds.example.org: {user: analyst, password: "..."}
taxii.example.net: {token: "..."}                          # Authorization: Bearer
misp.example.com: {authorization: "..."}                   # the header as it is
closed.example.org:8443: {certificate: client.pem, key: client.key}
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from importer.errors import UsageError

Text = Annotated[str, Meta(min_length=1)]


class Login(Struct, frozen=True, kw_only=True):
    """What one server is shown. Its values are in no repr."""

    user: Text = ""
    password: Text = ""
    token: Text = ""
    """Sent as `Authorization: Bearer`."""
    authorization: Text = ""
    """The whole header, for servers that want another form."""
    certificate: Text = ""
    """A PEM file with the client's certificate, and its key unless `key` names another; from the file's folder."""
    key: Text = ""

    def __repr__(self) -> str:
        return "Login(...)"

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """What the types cannot say."""
        ways = [name for name in ("user", "token", "authorization") if getattr(self, name)]
        if len(ways) > 1:
            yield (ways[1],), f"there is `{ways[0]}:` already; a server is shown one of them"
        if bool(self.user) != bool(self.password):
            yield (), "`user:` and `password:` belong together"
        if self.key and not self.certificate:
            yield ("key",), "`key:` belongs to a `certificate:`"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return tuple(filter(None, (self.password, self.token, self.authorization, self.header)))

    @property
    def header(self) -> str:
        """The value of Authorization; empty for none."""
        if self.user:
            return "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")
        return f"Bearer {self.token}" if self.token else self.authorization

    def identify(self, context: ssl.SSLContext) -> None:
        """Has the certificate shown where a server asks for it. UsageError where it cannot be used."""
        try:
            context.load_cert_chain(self.certificate, self.key or None, password="")
        except (OSError, ValueError) as error:  # an SSLError is an OSError, too
            why = error.strerror if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else ""
            raise UsageError(
                f"the client certificate {self.certificate} cannot be used: "
                + (why or "it is not a certificate in PEM form with its key, without a passphrase")
            ) from None


def load_logins(path: Path) -> Mapping[str, Login]:
    """Host, or host:port -> its login. UsageError with line and column; it repeats no value of the file."""
    from importer.text.typed_yaml import load

    found = load(path, dict[str, Login], what="logins file", hint="It is like `feeds.example.org: {token: ...}`.")
    folder = path.parent
    return {
        host.strip().lower(): Login(
            user=login.user,
            password=login.password,
            token=login.token,
            authorization=login.authorization,
            certificate=str(folder / login.certificate) if login.certificate else "",
            key=str(folder / login.key) if login.key else "",
        )
        for host, login in found.items()
    }
