// httpxy, the maintained successor of http-proxy, in the same shape.
import { readFileSync } from 'node:fs'
import { Agent as HttpAgent, createServer } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { createProxyServer } from 'httpxy'

const { PORT, UPSTREAM = '', UPSTREAM_HOST = '', CA_FILE = '', BEARER = '' } = process.env
const agent = UPSTREAM.startsWith('https:')
  ? new HttpsAgent({ keepAlive: true, maxSockets: 512, ca: readFileSync(CA_FILE), servername: UPSTREAM_HOST })
  : new HttpAgent({ keepAlive: true, maxSockets: 512 })
const proxy = createProxyServer({ target: UPSTREAM, agent, secure: true })
createServer((request, response) => {
  void proxy.web(request, response, { headers: { host: UPSTREAM_HOST, authorization: BEARER } })
}).listen(Number(PORT), '127.0.0.1')
