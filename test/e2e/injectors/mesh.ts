// A mesh's proxy, reduced to what a kubelet sees: it listens on its ports and answers probes.
import { createServer } from 'node:http'

for (const port of process.argv.slice(2)) createServer((_request, response) => response.end('ok')).listen(Number(port))
process.on('SIGTERM', () => process.exit(0))
