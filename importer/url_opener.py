"""urllib with the program's own rule for proxies and certificates, for sources by https and for the heartbeat."""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Callable

from importer.errors import UsageError
from importer.network import proxy_for, ssl_context


class _Proxies(urllib.request.BaseHandler):
    """Sets the proxy anew for each request, a redirected one included, with the proxy's credentials for it alone."""

    handler_order = 400  # before the handlers that connect

    def http_open(self, request: urllib.request.Request) -> None:
        proxy = proxy_for(request.full_url)
        if proxy is None:
            return
        if proxy.scheme != "http":
            raise UsageError(
                f"{proxy.variable} names an https proxy, which only the calls of the API can go through",
                hint="Name the proxy by http://, or the host in NO_PROXY.",
            )
        if proxy.authorization:
            # An ordinary header would be copied into the request after a redirect, whoever gets that.
            request.add_unredirected_header("Proxy-Authorization", proxy.authorization)
        request.set_proxy(proxy.address, proxy.scheme)

    https_open = http_open


def url_opener(
    *handlers: urllib.request.BaseHandler, identify: Callable[[ssl.SSLContext], None] | None = None
) -> urllib.request.OpenerDirector:
    """An opener with these handlers; `identify` gives the TLS context a certificate of ours.

    UsageError for a proxy or a file of certificates that cannot be used.
    """
    context = ssl_context()
    if identify is not None:
        identify(context)
    tls = urllib.request.HTTPSHandler(context=context)
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), _Proxies(), tls, *handlers)
