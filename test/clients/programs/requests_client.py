import sys

import requests

print("status", requests.get(sys.argv[1], timeout=8).status_code)
