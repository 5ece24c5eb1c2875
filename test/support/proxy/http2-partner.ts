import { once } from 'node:events'
import type { Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { Readable } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { ProxyError } from '../../../proxy/src/errors.ts'
import type { ForwardRequest, Forwarding, Receiver } from '../../../proxy/src/http/forwarder.ts'
import { createHttp2Forwarder } from '../../../proxy/src/http/outbound/http2-forwarder.ts'
import { upstreamFailure } from '../../../proxy/src/http/outbound/failure.ts'
import { Http2Sessions } from '../../../proxy/src/http/outbound/http2-sessions.ts'

/** What came back, as the client's side hears it. */
export interface Answer {
  readonly interim: number[]
  status: number
  headers: string[]
  body: string
  trailers: string[] | undefined
  error: ProxyError | undefined
}

/** A partner, and the HTTP/2 side of the proxy pointed at it. */
export class Http2Partner {
  port = 0
  retries = 0
  /** Whether there is memory for another session. */
  hasRoom = true
  readonly streams: () => number
  /** What the proxy's side opened. */
  readonly opened: Duplex[] = []
  private readonly server: Server
  private readonly sockets = new Set<{ destroy(): void }>()
  private connections = 0
  private readonly sessions: Http2Sessions

  constructor(server: Server, ca: string, streams: () => number) {
    this.server = server
    this.streams = streams
    server.on('connection', (socket: { destroy(): void }) => {
      this.connections++
      this.sockets.add(socket)
    })
    this.sessions = new Http2Sessions({
      origin: 'https://partner.example',
      now: () => performance.now(),
      room: { takes: () => this.hasRoom, gives: () => undefined },
      limits: {
        connectMs: 5_000,
        upstreamIdleMs: 30_000,
        upstreamAgeMs: 300_000,
        headBytes: 65_536,
        headFields: 200,
      },
      connect: (done) => {
        const socket = connectTls({
          port: this.port,
          host: '127.0.0.1',
          ca,
          servername: 'partner.example',
          ALPNProtocols: ['h2', 'http/1.1'],
        })
        this.opened.push(socket)
        socket.once('error', (error) => done(error))
        socket.once('secureConnect', () => done(null, socket))
      },
    })
  }

  accepted(): number {
    return this.connections
  }

  call(request: Partial<ForwardRequest>, timeoutMs?: number): Promise<Answer> {
    return this.start(request, timeoutMs).done
  }

  start(
    request: Partial<ForwardRequest>,
    timeoutMs = 5_000,
  ): { readonly answer: Answer; readonly done: Promise<Answer>; readonly forwarding: Forwarding } {
    const answer: Answer = { interim: [], status: 0, headers: [], body: '', trailers: undefined, error: undefined }
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const receiver: Receiver = {
      informed: (status) => void answer.interim.push(status),
      started: (status, _reason, headers) => {
        answer.status = status
        answer.headers = [...headers]
      },
      received: (chunk) => {
        answer.body += chunk.toString()
      },
      ended: (trailers) => {
        answer.trailers = [...trailers]
        resolve(answer)
      },
      upgraded: () => undefined,
      failed: (error) => {
        answer.error = error
        resolve(answer)
      },
    }
    const forwarder = createHttp2Forwarder({
      upstream: () => ({ http2: this.sessions, failure: upstreamFailure }),
      http1: {
        forward: ({ body }, { received, started, ended }) => {
          const answerAll = async (): Promise<void> => {
            started(200, '', ['x-by', 'http/1.1'], false)
            if (body instanceof Readable) for await (const chunk of body) received(chunk as Buffer)
            else if (body) received(body)
            ended([])
          }
          void answerAll()
          return { abort: () => undefined, pause: () => undefined, resume: () => undefined }
        },
        close: () => Promise.resolve(),
      },
      patience: () => ({ headMs: timeoutMs, bodyMs: 5_000 }),
      onRetry: () => {
        this.retries++
      },
    })
    const forwarding = forwarder.forward(
      {
        destination: {
          scheme: 'https',
          host: 'partner.example',
          port: this.port,
          origin: `https://partner.example:${this.port}`,
        },
        method: 'GET',
        path: '/',
        headers: [],
        body: null as Buffer | Readable | null,
        upgrade: null,
        http2: 'preferred',
        ...request,
      },
      receiver,
    )
    return { answer, done: promise, forwarding }
  }

  async close(): Promise<void> {
    this.sessions.destroy()
    for (const socket of this.sockets) socket.destroy()
    if (!this.server.listening) return
    this.server.close()
    await once(this.server, 'close')
  }
}
