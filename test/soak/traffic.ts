import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import type { Agent, IncomingMessage, RequestOptions } from 'node:http'
import type { Soak } from './world.ts'

/** One kind of request an application makes. @throws when the answer is not the right one. */
export type Kind = (soak: Soak, agent: Agent) => Promise<void>

/** A mix with everything a sidecar sees in a day: good, bad, large, small, given up. */
export const KINDS: Readonly<Record<string, Kind>> = {
  get: async (soak, agent) => expectAnswer(await exchange(soak, agent), 200, 0),
  'post 10 KB': async (soak, agent) => {
    const body = randomBytes(10_000)
    const { status, bytes } = await exchange(soak, agent, { method: 'POST' }, body)
    if (status !== 200 || !bytes.equals(body))
      throw new Error(`echo of 10 KB came back as ${status}, ${bytes.length} bytes: ${bytes.toString().slice(0, 300)}`)
  },
  'post 200 KB in chunks': async (soak, agent) => {
    const body = randomBytes(200_000)
    const headers = { 'transfer-encoding': 'chunked' }
    const { status, bytes } = await exchange(soak, agent, { method: 'POST', headers }, body)
    if (status !== 200 || !bytes.equals(body))
      throw new Error(`echo of 200 KB came back as ${status}, ${bytes.length} bytes: ${bytes.toString().slice(0, 300)}`)
  },
  'download 1 MB': async (soak, agent) =>
    expectAnswer(await exchange(soak, agent, { headers: { 'x-bytes': 1 << 20 } }), 200, 1 << 20),
  'abandoned download': async (soak, agent) => {
    const outgoing = start(soak, agent, { headers: { 'x-bytes': 5 << 20 } })
    outgoing.end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    const closed = new Promise((resolve) => response.once('close', resolve))
    response.on('error', () => undefined)
    outgoing.destroy()
    await closed
  },
  'another port of the partner': async (soak, agent) => {
    const { status } = await exchange(soak, agent, { path: 'http://api.partner.example:1/' })
    if (status !== 403) throw new Error(`a port without a rule was answered with ${status}`)
  },
  'a host that does not resolve': async (soak, agent) => {
    const { status } = await exchange(soak, agent, { path: 'http://nowhere.invalid/' })
    if (status !== 502) throw new Error(`a name that does not resolve was answered with ${status}`)
  },
  'an exchanged token': async (soak, agent) => {
    expectAnswer(await exchange(soak, agent, { path: soak.partners.exchangedUrl }), 200, 0)
  },
  'a token file': ({ tokenReader }) => tokenReader.read(),
}

interface Answer {
  readonly status: number
  readonly bytes: Buffer
}

function expectAnswer({ status, bytes }: Answer, expectedStatus: number, expectedBytes: number): void {
  if (status !== expectedStatus || bytes.length !== expectedBytes)
    throw new Error(
      `expected ${expectedStatus} with ${expectedBytes} bytes, got ${status} with ${bytes.length}: ${bytes.toString().slice(0, 300)}`,
    )
}

async function exchange(soak: Soak, agent: Agent, options: RequestOptions = {}, body?: Buffer): Promise<Answer> {
  const outgoing = start(soak, agent, options)
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode ?? 0, bytes: Buffer.concat(chunks) }
}

function start({ proxyPort, url }: Soak, agent: Agent, options: RequestOptions): ReturnType<typeof request> {
  const outgoing = request({ host: '127.0.0.1', port: proxyPort, path: url, agent, ...options })
  // Requests that are given up end with an error nobody waits for.
  outgoing.on('error', () => undefined)
  return outgoing
}
