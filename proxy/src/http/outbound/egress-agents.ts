// For callers that bring an HTTP client of their own: AWS's SDK, and doctor.
import { once } from 'node:events'
import { Agent as HttpAgent, get as getPlain } from 'node:http'
import type { ClientRequestArgs, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, get } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Egress } from './egress-proxy.ts'

/** In the form that AWS's SDK takes. */
export interface EgressAgents {
  readonly httpAgent: HttpAgent
  readonly httpsAgent: HttpsAgent
}

/** @returns what a connection to this host goes by; undefined for a direct one. */
type EgressTo = (host: string, port: number) => Egress | undefined

/** The callers' own limits are a few seconds, and they are to hear what was wrong. */
const TIMEOUT_MS = 2_000

/** @returns agents whose connections leave the pod as all others do. */
export function createEgressAgents(egressTo: EgressTo): EgressAgents {
  return { httpAgent: new EgressHttpAgent(egressTo), httpsAgent: new EgressHttpsAgent(egressTo) }
}

type Created = (error: Error | null, socket: Duplex) => void
type Connected = (options: ClientRequestArgs, created?: Created) => Duplex | null | undefined

class EgressHttpAgent extends HttpAgent {
  private readonly egressTo: EgressTo

  constructor(egressTo: EgressTo) {
    super({ keepAlive: true })
    this.egressTo = egressTo
  }

  override createConnection(options: ClientRequestArgs, created?: Created): Duplex | null | undefined {
    const connect: Connected = (direct, done) => super.createConnection(direct, done)
    return createBy(this.egressTo, options, created, connect, (socket) => socket)
  }
}

class EgressHttpsAgent extends HttpsAgent {
  private readonly egressTo: EgressTo

  constructor(egressTo: EgressTo) {
    // SECURITY: explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing.
    super({ keepAlive: true, rejectUnauthorized: true })
    this.egressTo = egressTo
  }

  override createConnection(options: ClientRequestArgs, created?: Created): Duplex | null | undefined {
    const connect: Connected = (direct, done) => super.createConnection(direct, done)
    return createBy(this.egressTo, options, created, connect, (socket) => connect({ ...options, socket } as never))
  }
}

/** @param secure makes what the request is sent over of a connection that the proxy made. */
function createBy(
  egressTo: EgressTo,
  options: ClientRequestArgs,
  created: Created | undefined,
  connect: Connected,
  secure: (socket: Duplex) => Duplex | null | undefined,
): Duplex | null | undefined {
  const host = (options.host ?? '').toLowerCase()
  const port = Number(options.port)
  const egress = egressTo(host, port)
  if (!egress) return connect(options, created)
  egress.tunnel({ host, port, timeoutMs: TIMEOUT_MS }, (error, socket) => {
    created?.(error, (socket && secure(socket)) as Duplex)
  })
  return undefined
}

/** @returns what sends a GET to a URL of http or https over the connections of these agents. Redirects are not followed. */
export function getBy({ httpAgent, httpsAgent }: EgressAgents) {
  return async (
    url: string,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly body: IncomingMessage }> => {
    const options = { signal, headers: { accept: 'application/json' } }
    const outgoing =
      new URL(url).protocol === 'http:'
        ? getPlain(url, { ...options, agent: httpAgent })
        : get(url, { ...options, agent: httpsAgent })
    const [body] = (await once(outgoing, 'response')) as [IncomingMessage]
    return { status: body.statusCode ?? 0, body }
  }
}
