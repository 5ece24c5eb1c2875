"""mitmproxy's part of the work: the header, and the partner's address, which its name does not lead to."""

import os
import socket

BEARER = os.environ["BEARER"]
ADDRESS = os.environ["PARTNER_ADDRESS"]

resolve = socket.getaddrinfo
# The hook server_connect can change an address, too, but then mitmproxy never answers a second request on the connection.
socket.getaddrinfo = lambda host, *rest, **options: resolve(ADDRESS, *rest, **options)


def request(flow):
    flow.request.headers["Authorization"] = BEARER
