import sys

import httpx

print("status", httpx.get(sys.argv[1], timeout=8).status_code)
