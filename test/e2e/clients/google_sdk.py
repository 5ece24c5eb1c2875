# A program for Google Cloud that knows nothing of tokens: google-auth finds its credentials. google_sdk.py URL [--every SECONDS]
import sys
import time

import google.auth
from google.auth.transport.requests import AuthorizedSession

url, every = sys.argv[1], float(sys.argv[3]) if len(sys.argv) > 3 else 0
while True:
    # New credentials each time, because they keep what they got for an hour.
    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    answer = AuthorizedSession(credentials).get(url, timeout=8)
    print("status", answer.status_code, answer.text)
    if every == 0:
        break
    time.sleep(every)
