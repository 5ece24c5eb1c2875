import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

config = Config(connect_timeout=8, read_timeout=8, retries={"total_max_attempts": 1})
client = boto3.client(
    "sts",
    endpoint_url=sys.argv[1],
    region_name="eu-central-1",
    aws_access_key_id="AKIDEXAMPLE",
    aws_secret_access_key="secret",
    config=config,
)
client.meta.events.register(
    "before-parse.sts.GetCallerIdentity",
    lambda response_dict, **_: print("status", response_dict["status_code"]),
)
try:
    client.get_caller_identity()
except (ClientError, ResponseParserError):
    pass  # The servers of the matrix do not answer as AWS does.
