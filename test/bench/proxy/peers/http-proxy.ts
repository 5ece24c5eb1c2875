// http-proxy at its best: one keep-alive agent, and the header given per call, which is the only way that never loses it.
import { readFileSync } from 'node:fs'
import { Agent as HttpAgent, createServer } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import httpProxy from 'http-proxy'

const { PORT, UPSTREAM = '', UPSTREAM_HOST = '', CA_FILE = '', BEARER = '' } = process.env
const agent = UPSTREAM.startsWith('https:')
  ? new HttpsAgent({ keepAlive: true, maxSockets: 512, ca: readFileSync(CA_FILE), servername: UPSTREAM_HOST })
  : new HttpAgent({ keepAlive: true, maxSockets: 512 })
const proxy = httpProxy.createProxyServer({ target: UPSTREAM, agent, secure: true })
proxy.on('error', (error) => {
  throw error
})
createServer((request, response) =>
  proxy.web(request, response, { headers: { host: UPSTREAM_HOST, authorization: BEARER } }),
).listen(Number(PORT), '127.0.0.1')
