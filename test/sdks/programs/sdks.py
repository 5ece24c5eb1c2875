"""sdks.py NAME: answers each line of stdin with one of JSON, which has what the SDK got for the token that it found."""

import json
import os
import sys
import time

import redirect  # noqa: F401

TOKENS = os.environ["TOKENS"]
EMULATORS_PORT = os.environ["EMULATORS_PORT"]
CA_FILE = os.environ["SSL_CERT_FILE"]

now = time.time
passed = 0
time.time = lambda: now() + passed


def later(minutes):
    """Moves the clock of this process."""
    global passed
    passed += minutes * 60


def azure():
    """DefaultAzureCredential ends up here; each scope is a token of its own."""
    from azure.identity import WorkloadIdentityCredential

    credential = WorkloadIdentityCredential()

    def get(turn):
        if turn > 0:
            later(11)  # Longer than it keeps what it read.
        return credential.get_token(f"https://{turn}.example/.default").token

    return get


def google():
    from datetime import timedelta

    import google.auth
    from google.auth import _helpers
    from google.auth.transport.requests import Request

    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    now = _helpers.utcnow

    def get(turn):
        # Longer than the federated token lives that it keeps.
        _helpers.utcnow = lambda: now() + turn * timedelta(hours=1)
        credentials.refresh(Request())
        return credentials.token

    return get


def databricks():
    from databricks.sdk.core import Config

    return lambda _: Config().authenticate()["Authorization"].removeprefix("Bearer ")


def alibaba():
    from alibabacloud_credentials.client import Client

    return lambda _: Client().get_credential().security_token


def vault():
    import hvac

    def get(_):
        client = hvac.Client(url="https://vault.example", namespace="team")
        with open(f"{TOKENS}/vault", encoding="ascii") as file:
            client.auth.jwt.jwt_login(role="orders", jwt=file.read())
        return client.token

    return get


def anthropic():
    from anthropic import Anthropic

    client = Anthropic()

    def get(turn):
        if turn > 0:
            later(61)
        return client.models.with_raw_response.list().http_request.headers["Authorization"].removeprefix("Bearer ")

    return get


def snowflake():
    from snowflake.connector import connect

    def get(_):
        connection = connect(
            account="orders",
            host="localhost",
            port=int(EMULATORS_PORT),
            authenticator="WORKLOAD_IDENTITY",
            workload_identity_provider="OIDC",
            token_file_path=f"{TOKENS}/snowflake",
            custom_root_store_path=CA_FILE,
        )
        return connection.rest.token

    return get


def kafka():
    from confluent_kafka import Producer

    import broker

    def get(_):
        address, token = broker.listen()
        producer = Producer(
            {
                "bootstrap.servers": address,
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanisms": "OAUTHBEARER",
                "sasl.oauthbearer.method": "oidc",
                "sasl.oauthbearer.grant.type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "sasl.oauthbearer.assertion.file": f"{TOKENS}/kafka",
                "sasl.oauthbearer.token.endpoint.url": f"https://kafka.localhost:{EMULATORS_PORT}/oauth2/token",
                "https.ca.location": CA_FILE,
                "error_cb": lambda error: print(error, file=sys.stderr),
            }
        )
        producer.poll(5)
        return token()

    return get


get = globals()[sys.argv[1]]()
for turn, _ in enumerate(sys.stdin):
    try:
        print(json.dumps({"got": get(turn)}), flush=True)
    except Exception as error:
        print(json.dumps({"problem": f"{type(error).__name__}: {error}"[:500]}), flush=True)
