import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'

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
  const tally: Record<string, number> = {}
  let left = options.requests
  const worker = async (): Promise<void> => {
    while (left-- > 0 && (options.proceed?.() ?? true)) {
      const outcome = await attempt(options, agent)
      tally[outcome] = (tally[outcome] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, worker))
  agent.destroy()
  return tally
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
    if (!response.complete) return 'broken'
    const code = response.headers['x-outbound-jwt-error']
    return code === undefined ? String(response.statusCode) : `${response.statusCode} ${String(code)}`
  } catch {
    return 'broken'
  }
}
