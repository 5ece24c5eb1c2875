"""botocore as a client of the emulator, configured by environment variables alone, as in a pod."""

import json

import botocore.session
from botocore.exceptions import ClientError

session = botocore.session.get_session()
sts = session.create_client("sts")
identity = sts.get_caller_identity()
request = {"Audience": ["https://api.partner.example"], "SigningAlgorithm": "ES384"}
answer = sts.get_web_identity_token(DurationSeconds=600, **request)
try:
    # A session of an hour cannot hold a token of an hour.
    sts.get_web_identity_token(DurationSeconds=3600, **request)
    raise SystemExit("expected a refusal")
except ClientError as error:
    refusal = error.response["Error"]["Code"]

iam = session.create_client("iam")
federation = iam.get_outbound_web_identity_federation_info()
try:
    iam.enable_outbound_web_identity_federation()
    raise SystemExit("expected a refusal")
except ClientError as error:
    enabled = error.response["Error"]["Code"]

print(
    json.dumps(
        {
            "arn": identity["Arn"],
            "token": answer["WebIdentityToken"],
            "expiration": answer["Expiration"].isoformat(),
            "refusal": refusal,
            "issuer": federation["IssuerIdentifier"],
            "enabled": enabled,
        }
    )
)
