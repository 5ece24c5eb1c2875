"""mitmproxy's part of the work: the header, and the partner's address, which its name does not lead to."""

import os

BEARER = os.environ["BEARER"]
ADDRESS = os.environ["PARTNER_ADDRESS"]


def request(flow):
    flow.request.headers["Authorization"] = BEARER


def server_connect(data):
    data.server.address = (ADDRESS, data.server.address[1])
