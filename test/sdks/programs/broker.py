"""A Kafka broker that hears one client authenticate by SASL/OAUTHBEARER (RFC 7628) and says no more."""

import re
import socket
import struct
import threading

SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 17, 18, 36
NEWEST = {SASL_HANDSHAKE: 1, API_VERSIONS: 3, SASL_AUTHENTICATE: 0}
MECHANISM = b"OAUTHBEARER"

versions = b"".join(struct.pack(">hhhb", key, 0, newest, 0) for key, newest in NEWEST.items())
ANSWERS = {
    API_VERSIONS: struct.pack(">hb", 0, len(NEWEST) + 1) + versions + struct.pack(">ib", 0, 0),
    SASL_HANDSHAKE: struct.pack(">hih", 0, 1, len(MECHANISM)) + MECHANISM,
}


def frame(connection):
    """@returns key and correlation ID of the next request, and its bytes. Source: https://kafka.apache.org/protocol."""
    (size,) = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))
    request = connection.recv(size, socket.MSG_WAITALL)
    key, _, correlation = struct.unpack(">hhi", request[:8])
    return key, correlation, request


def listen():
    """@returns the address, and a function that waits for the token of the next client."""
    server = socket.create_server(("127.0.0.1", 0))
    heard = threading.Event()
    token = []

    def serve():
        connection, _ = server.accept()
        key, correlation, request = frame(connection)
        while key in ANSWERS:
            answer = ANSWERS[key]
            connection.sendall(struct.pack(">ii", len(answer) + 4, correlation) + answer)
            key, correlation, request = frame(connection)
        token.append(re.search(rb"auth=Bearer ([^\x01]+)\x01", request).group(1).decode())
        heard.set()

    threading.Thread(target=serve, daemon=True).start()

    def wait():
        if not heard.wait(10):
            raise TimeoutError("no client has authenticated")
        return token[0]

    return f"127.0.0.1:{server.getsockname()[1]}", wait
