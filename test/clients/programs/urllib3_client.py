import sys

import urllib3

print("status", urllib3.request("GET", sys.argv[1], timeout=8, retries=False).status)
