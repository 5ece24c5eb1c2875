import asyncio
import sys

import aiohttp


async def main(url, trust_env):
    timeout = aiohttp.ClientTimeout(total=8)
    async with aiohttp.ClientSession(trust_env=trust_env, timeout=timeout) as session:
        async with session.get(url) as response:
            print("status", response.status)


asyncio.run(main(sys.argv[2], sys.argv[1] == "trust_env"))
