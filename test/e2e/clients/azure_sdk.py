# A program for Azure that knows nothing of tokens: azure-identity finds its credentials. azure_sdk.py URL [--every SECONDS]
import sys
import time

import requests
from azure.identity import DefaultAzureCredential

url, every = sys.argv[1], float(sys.argv[3]) if len(sys.argv) > 3 else 0
while True:
    # A new credential each time, because one keeps what it read for ten minutes.
    token = DefaultAzureCredential().get_token("https://graph.microsoft.com/.default")
    answer = requests.get(url, headers={"Authorization": f"Bearer {token.token}"}, timeout=8)
    print("status", answer.status_code, answer.text)
    if every == 0:
        break
    time.sleep(every)
