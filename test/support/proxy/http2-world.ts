import { createSecureServer } from 'node:http2'
import type { ClientHttp2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { RequestListener } from 'node:http'
import { createTestAuthority } from '../certificates.ts'
import { plainHttp2, secureHttp2 } from './http2-client.ts'
import { openPodAuthority } from './interception.ts'
import { startTestProxy } from './proxy.ts'
import type { TestProxy, TestProxyOptions } from './proxy.ts'
import { observe, startUpstream } from './upstream.ts'

export const HOST = 'api.partner.example'

/** A partner that speaks HTTP/2, and a proxy that intercepts calls of it. */
export interface Http2World {
  readonly proxy: TestProxy
  /** What the partner was asked. */
  readonly seen: readonly { readonly headers: IncomingHttpHeaders; readonly stream: ServerHttp2Stream }[]
  /** PEM that an application does not trust. */
  readonly partnerCa: string
  /** PEM of the pod's own authority, which an application trusts. */
  readonly anchor: string
  /** What the partner answers. Default: the body, and a trailer. */
  respond: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void
  /** Of the partner. */
  authority(): string
  /** Opens a connection over TLS; the end of the world closes it. */
  connect(): Promise<ClientHttp2Session>
  /** The same without TLS, inside of a CONNECT to port 80. */
  connectPlain(): Promise<ClientHttp2Session>
  /** Starts the proxy again. */
  restart(options: TestProxyOptions): Promise<void>
  /** Puts a partner that speaks HTTP/1.1 alone in place of the other. */
  startHttp1(listener: RequestListener): Promise<void>
  close(): Promise<void>
}

export async function startHttp2World(): Promise<Http2World> {
  const partners = await createTestAuthority()
  const pair = await partners.issue([HOST])
  const authority = await openPodAuthority(HOST)
  const sessions: ClientHttp2Session[] = []
  const seen: { headers: IncomingHttpHeaders; stream: ServerHttp2Stream }[] = []
  const server = createSecureServer(pair)
    .on('sessionError', () => undefined)
    .on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on('error', () => undefined)
      seen.push({ headers, stream })
      world.respond(stream, headers)
    })
  let partner = await observe(server)
  const start = (options: TestProxyOptions): Promise<TestProxy> =>
    startTestProxy({
      ca: partners.ca,
      authority,
      routes: [{ hosts: [`${HOST}:${partner.port}`], https: 'intercept' }],
      ...options,
    })
  let proxy = await start({})
  const opened = (session: ClientHttp2Session): ClientHttp2Session => {
    sessions.push(session)
    return session
  }
  const world: Http2World = {
    get proxy() {
      return proxy
    },
    seen,
    partnerCa: partners.ca,
    anchor: authority.anchor,
    respond: (stream) => {
      stream.respond({ ':status': 200, 'x-by': 'h2' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }))
      stream.pipe(stream)
    },
    authority: () => `${HOST}:${partner.port}`,
    connect: async () => opened(await secureHttp2(proxy.port, world.authority(), authority.anchor)),
    connectPlain: async () => opened(await plainHttp2(proxy.port, HOST)),
    restart: async (options) => {
      await proxy.close()
      proxy = await start(options)
    },
    startHttp1: async (listener) => {
      await partner.close()
      partner = await startUpstream(listener, pair)
      await world.restart({})
    },
    close: async () => {
      for (const session of sessions) session.destroy()
      await proxy.close()
      await partner.close()
    },
  }
  return world
}
