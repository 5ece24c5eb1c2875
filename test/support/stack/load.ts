import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { open, secureHttp2 } from '../proxy/http2-client.ts'

export interface LoadOptions {
  readonly proxyPort: number
  readonly url: string
  readonly requests: number
  readonly concurrency: number
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Buffer
  /** Called before each request; false ends the load early. */
  readonly proceed?: () => boolean
}

/** How requests ended, by status, by error code of the proxy, or by `broken` when the connection ended before the response did. */
export type Tally = Readonly<Record<string, number>>

/** Sends requests through the proxy over kept-alive connections, `concurrency` at a time, and counts how each ended. */
export async function runLoad(options: LoadOptions): Promise<Tally> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.concurrency })
  const tally = await count(options, () => attempt(options, agent))
  agent.destroy()
  return tally
}

/**
 * The same by HTTP/2, on one connection through an intercepted CONNECT; the partner finds the number of a request in `x-number`.
 * @param options its URL says https.
 * @param ca PEM of the pod's anchor.
 * @throws what the handshake reports.
 */
export async function runHttp2Load(options: LoadOptions, ca: string): Promise<Tally> {
  const { proxyPort, url, method = 'GET', headers = {}, body } = options
  const session = await secureHttp2(proxyPort, new URL(url).host, ca)
  const tally = await count(options, async (number) => {
    if (session.destroyed) return 'broken'
    const fields = { ':path': '/', ':method': method, 'x-number': number, ...headers }
    const { stream, done } = open(session, fields, { endStream: body === undefined })
    if (body) stream.end(body)
    const answer = await done
    return answer.status === 0 || answer.rstCode !== 0 ? 'broken' : outcomeOf(answer)
  })
  session.destroy()
  return tally
}

async function count(
  { requests, concurrency, proceed }: Pick<LoadOptions, 'requests' | 'concurrency' | 'proceed'>,
  send: (number: number) => Promise<string>,
): Promise<Tally> {
  const tally: Record<string, number> = {}
  let left = requests
  const worker = async (): Promise<void> => {
    while (left-- > 0 && (proceed?.() ?? true)) {
      const outcome = await send(left)
      tally[outcome] = (tally[outcome] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return tally
}

function outcomeOf({ status, headers }: { readonly status: number | undefined; readonly headers: object }): string {
  const code = (headers as Readonly<Record<string, string | undefined>>)['x-outbound-jwt-error']
  return code === undefined ? String(status) : `${status} ${code}`
}

/** @returns the status, or `<status> <code>` for an answer of the proxy's own, or `broken`. */
async function attempt(options: LoadOptions, agent: Agent): Promise<string> {
  const { proxyPort, url, method = 'GET', headers = {}, body } = options
  const length = body === undefined ? {} : { 'content-length': body.length }
  const outgoing = request({
    host: '127.0.0.1',
    port: proxyPort,
    path: url,
    method,
    headers: { ...headers, ...length },
    agent,
  })
  outgoing.end(body)
  try {
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    response.resume()
    await once(response, 'close')
    return response.complete ? outcomeOf({ status: response.statusCode, headers: response.headers }) : 'broken'
  } catch {
    return 'broken'
  }
}
