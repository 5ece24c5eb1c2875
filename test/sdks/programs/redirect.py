"""Lets names of the tests lead to this machine, as DNS would, and no other name anywhere. REDIRECT_PORTS is a comma separated list of name=port."""

import os
import socket

import certifi

PORTS = dict(entry.split("=") for entry in os.environ["REDIRECT_PORTS"].split(","))
lookup = socket.getaddrinfo


def getaddrinfo(host, port, *args, **kwargs):
    redirected = PORTS.get(host.decode() if isinstance(host, bytes) else host)
    if redirected is None:
        raise socket.gaierror(socket.EAI_NONAME, f"{host} is not a name of the tests")
    return lookup("127.0.0.1", int(redirected), *args, **kwargs)


socket.getaddrinfo = getaddrinfo
# Some libraries look at nothing else.
certifi.where = lambda: os.environ["SSL_CERT_FILE"]
