import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import type { Agent, IncomingMessage, RequestOptions } from 'node:http'
import type { Stack } from '../support/stack/stack.ts'

/** One kind of request an application makes. @throws when the answer is not the right one. */
export type Kind = (stack: Stack, agent: Agent) => Promise<void>

/** A mix with everything a sidecar sees in a day: good, bad, large, small, given up. */
export const KINDS: Readonly<Record<string, Kind>> = {
  get: async (stack, agent) => expectAnswer(await exchange(stack, agent), 200, 0),
  'post 10 KB': async (stack, agent) => {
    const body = randomBytes(10_000)
    const { status, bytes } = await exchange(stack, agent, { method: 'POST' }, body)
    if (status !== 200 || !bytes.equals(body))
      throw new Error(`echo of 10 KB came back as ${status}, ${bytes.length} bytes`)
  },
  'post 200 KB in chunks': async (stack, agent) => {
    const body = randomBytes(200_000)
    const headers = { 'transfer-encoding': 'chunked' }
    const { status, bytes } = await exchange(stack, agent, { method: 'POST', headers }, body)
    if (status !== 200 || !bytes.equals(body))
      throw new Error(`echo of 200 KB came back as ${status}, ${bytes.length} bytes`)
  },
  'download 1 MB': async (stack, agent) =>
    expectAnswer(await exchange(stack, agent, { headers: { 'x-bytes': 1 << 20 } }), 200, 1 << 20),
  'abandoned download': async (stack, agent) => {
    const outgoing = start(stack, agent, { headers: { 'x-bytes': 5 << 20 } })
    outgoing.end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    const closed = new Promise((resolve) => response.once('close', resolve))
    response.on('error', () => undefined)
    outgoing.destroy()
    await closed
  },
  'another port of the partner': async (stack, agent) => {
    const { status } = await exchange(stack, agent, { path: 'http://api.partner.example:1/' })
    if (status !== 403) throw new Error(`a port without a rule was answered with ${status}`)
  },
  'a host that does not resolve': async (stack, agent) => {
    const { status } = await exchange(stack, agent, { path: 'http://nowhere.invalid/' })
    if (status !== 502) throw new Error(`a name that does not resolve was answered with ${status}`)
  },
}

interface Answer {
  readonly status: number
  readonly bytes: Buffer
}

function expectAnswer({ status, bytes }: Answer, expectedStatus: number, expectedBytes: number): void {
  if (status !== expectedStatus || bytes.length !== expectedBytes)
    throw new Error(`expected ${expectedStatus} with ${expectedBytes} bytes, got ${status} with ${bytes.length}`)
}

async function exchange(stack: Stack, agent: Agent, options: RequestOptions = {}, body?: Buffer): Promise<Answer> {
  const outgoing = start(stack, agent, options)
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode ?? 0, bytes: Buffer.concat(chunks) }
}

function start({ proxyPort, url }: Stack, agent: Agent, options: RequestOptions): ReturnType<typeof request> {
  const outgoing = request({ host: '127.0.0.1', port: proxyPort, path: url, agent, ...options })
  // Requests that are given up end with an error nobody waits for.
  outgoing.on('error', () => undefined)
  return outgoing
}
