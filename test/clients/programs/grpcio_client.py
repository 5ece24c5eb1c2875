import sys
from urllib.parse import urlsplit

import grpc

url = urlsplit(sys.argv[1])
target = f"{url.netloc}:{443 if url.scheme == 'https' else 80}"
if url.scheme == "https":
    channel = grpc.secure_channel(target, grpc.ssl_channel_credentials())
else:
    channel = grpc.insecure_channel(target)
call = channel.unary_unary("/demo.Demo/Call", request_serializer=bytes, response_deserializer=bytes)
try:
    call(b"", timeout=3)
    print("status 200")
except grpc.RpcError as error:
    print("error", error.code().name, error.details())
