import sys

import httpx

url = httpx.URL(sys.argv[1])
response = httpx.Client(http2=True).get(url, timeout=8)
if url.scheme == "https" and url.host == "api.partner.example" and response.http_version != "HTTP/2":
    print("error", response.http_version)
else:
    print("status", response.status_code)
