import { ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Exchange, ExchangeDeps } from '../inbound/exchange.ts'
import type { Handler } from '../inbound/handler.ts'
import { Http1Exchange } from '../inbound/http1-exchange.ts'
import type { RawHeaders } from '../headers.ts'
import { readFields, responseHeaders } from '../headers.ts'
import { closeInStages } from '../inbound/error-response.ts'
import type { Tunnels } from './tunnel.ts'

/** Changes of HTTP or TLS itself, which concern one connection and not the partner's. A server may ignore them. RFC 9110 §7.8. */
const OWN_PROTOCOL = /^(?:h2c|http\/|tls\/)/i

/**
 * @returns the protocol that a request asks the partner to switch to; undefined when it is to be served like any other request:
 * clients such as Java's offer HTTP/2 with every first request.
 */
export function wantedProtocol({ headers, rawHeaders, httpVersionMinor }: IncomingMessage): string | undefined {
  const { upgrade } = headers
  if (upgrade === undefined || httpVersionMinor < 1 || OWN_PROTOCOL.test(upgrade)) return undefined
  return readFields(rawHeaders).framing === 'none' ? upgrade : undefined
}

export interface UpgradeDeps {
  readonly handler: Handler
  readonly exchanges: ExchangeDeps
  readonly tunnels: Tunnels
}

/**
 * The path of a request that wants another protocol: the handler's own, with a response that Node does not make for it.
 * When the partner switches, both connections become a tunnel; any other answer is handed back like that of any request.
 * @param head what the client sent behind the request.
 */
export function acceptUpgrade(request: IncomingMessage, client: Socket, head: Buffer, deps: UpgradeDeps): void {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(client)
  const takeEarly = holdEarly(client, head)
  client.on('error', () => client.destroy()).on('drain', () => response.emit('drain'))
  response.once('finish', () => {
    response.emit('close')
    if (response.socket === null) return
    response.detachSocket(client)
    client.end()
    // By a FIN: the partner's answer may be long, and its client slow.
    closeInStages(client, () => client.destroy())
  })

  const protocol = wantedProtocol(request) ?? ''
  const switched = (exchange: Exchange, raw: RawHeaders, upstream: Socket): void => {
    response.writeHead(101, switchingHeaders(raw, protocol))
    response.end()
    // From here on the response hears no more of its connection.
    response.detachSocket(client)
    client.once('close', () => response.emit('close'))
    for (const chunk of takeEarly()) upstream.write(chunk)
    deps.tunnels.join({ mode: 'upgrade', client, upstream, host: exchange.host })
  }
  deps.handler(new Http1Exchange(request, response, deps.exchanges, { protocol, switched }))
}

/** No client may say more than this before it knows whom it talks to. */
const EARLY_BYTES = 64 * 1024

/** Keeps what comes too early, and notices a client that leaves. @returns what came, and stops listening. */
function holdEarly(client: Socket, head: Buffer): () => readonly Buffer[] {
  const chunks = head.length > 0 ? [head] : []
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk)
    if (chunks.reduce((sum, { length }) => sum + length, 0) > EARLY_BYTES) client.pause()
  }
  const onEnd = (): void => void client.destroy()
  client.on('data', onData).once('end', onEnd)
  return () => {
    client.off('data', onData).off('end', onEnd)
    return chunks
  }
}

/** RFC 9110 §7.8: the response names what the connection has become. */
function switchingHeaders(raw: RawHeaders, protocol: string): string[] {
  const { headers } = responseHeaders(raw, false)
  const kept = headers.filter((_, index) => headers[index - (index % 2)]?.toLowerCase() !== 'content-length')
  const named = raw.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'upgrade')
  return [...kept, 'Connection', 'Upgrade', 'Upgrade', named === -1 ? protocol : (raw[named + 1] as string)]
}
