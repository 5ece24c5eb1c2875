# Runs a program of the client matrix twice a second, in one process: what its library trusts is read once. loop.py PROGRAM URL
import runpy
import sys
import time

program, *sys.argv[1:] = sys.argv[1:]
while True:
    try:
        runpy.run_path(program, run_name="__main__")
    except Exception as error:
        print("error", error)
    time.sleep(0.5)
