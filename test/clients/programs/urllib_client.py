import sys
import urllib.error
import urllib.request

try:
    print("status", urllib.request.urlopen(sys.argv[1], timeout=8).status)
except urllib.error.HTTPError as error:
    print("status", error.code)
