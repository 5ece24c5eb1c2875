import { constants, performServerHandshake } from 'node:http2'
import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { ProxyError } from '../../errors.ts'
import { errorCode, reset } from '../../runtime/index.ts'
import { clearTimeoutOnDestroy } from '../http2-timeout.ts'
import { STREAMS_GIVEN_UP } from '../limits.ts'
import type { Limits } from '../limits.ts'
import { HOLDS } from '../memory.ts'
import type { MemoryBudget } from '../memory.ts'
import { peek } from '../tunnel/peek.ts'
import type { IncomingStream } from './http2-exchange.ts'

interface Http2ServerDeps {
  readonly limits: Pick<Limits, 'headBytes' | 'headFields' | 'headMs' | 'keepAliveMs' | 'lingerMs'>
  readonly memory: Pick<MemoryBudget, 'requests'>
  /** Longest silence of a stream. */
  readonly silenceMs: number
  readonly answer: (incoming: IncomingStream) => void
  /** Hears of connections that are ended. */
  readonly refused: (error: ProxyError) => void
  /** Answers a connection whose protocol is not known, and ends it. */
  readonly refuse: (client: Socket, error: ProxyError) => void
}

/** Serves connections whose clients speak HTTP/2. */
export interface Http2Server {
  /** @param client has agreed on HTTP/2. */
  serve(client: Socket): void
  /** Serves a client that takes HTTP/2 for granted. @param other serves any other. RFC 9113 §3.3. */
  detect(client: Socket, other: (client: Socket) => void): void
  /** Ends connections that have said too little to be told apart. */
  endSilent(): void
  /** Asks clients to open no more streams, and ends each connection with its last one. */
  drain(): void
  /** Ends every connection, whatever it is doing. @returns how many there were. */
  destroy(): number
}

/** What begins every connection of HTTP/2. RFC 9113 §3.4. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

const isHttp2 = (first: Buffer): boolean => first.subarray(0, PREFACE.length).equals(PREFACE)
/** `POST` and the preface begin alike. */
const isDecisive = (first: Buffer): boolean => !PREFACE.subarray(0, first.length).equals(first) || isHttp2(first)

/** On one connection; a request in flight counts like any other besides. */
const STREAMS = 256
/** "Any stream": the first of two GOAWAYs, so that streams under way to here are served. RFC 9113 §6.8. */
const LAST_STREAM = 2 ** 31 - 1

/**
 * Creates the server side of HTTP/2 for sockets that are there already.
 * SECURITY: Node's own bounds stay as they are: streams that are reset in a row (1000, then 33 a second), CONTINUATION frames of a head
 * (nghttp2: 8), settings of a frame (32), answers that a client does not read (nghttp2: 1000), memory of a session (10 MB).
 */
export function createHttp2Server(deps: Http2ServerDeps): Http2Server {
  const { limits, memory } = deps
  const sessions = new Map<ServerHttp2Session, Socket>()
  const silent = new Set<Socket>()
  let isDraining = false
  const options = {
    settings: { maxConcurrentStreams: STREAMS, maxHeaderListSize: limits.headBytes },
    // Pseudo-header fields come on top, and one more, so that the handler refuses it by name.
    maxHeaderListPairs: limits.headFields + 5,
    // What a partner repeats is its own affair, as in HTTP/1.1.
    strictSingleValueFields: false,
  }

  return {
    serve,
    detect: (client, other) => {
      silent.add(client)
      client.on('error', ignore).once('close', () => silent.delete(client))
      const done = (first: Buffer | undefined): void => {
        silent.delete(client)
        if (first === undefined) deps.refuse(client, new ProxyError('request_timeout'))
        else if (isHttp2(first)) serve(client)
        else other(client)
      }
      peek(client, limits.headMs, done, isDecisive)
    },
    endSilent: () => silent.forEach((client) => client.destroy()),
    drain: () => {
      isDraining = true
      for (const session of sessions.keys()) retire(session)
    },
    destroy: () => {
      const { size } = sessions
      for (const [session, client] of sessions) {
        session.destroy()
        // That waits until the client has read what it was sent, and does nothing more the next time.
        client.destroy()
      }
      return size
    },
  }

  function serve(client: Socket): void {
    // A client that leaves by FIN would go unnoticed.
    client.allowHalfOpen = false
    const session = performServerHandshake(client, options)
    if (!memory.requests.takes(HOLDS.http2)) {
      refuse(session, client)
      return
    }
    session.once('close', () => memory.requests.gives(HOLDS.http2))
    sessions.set(session, client)
    watch(session, client)
    if (isDraining) retire(session)
  }

  /** In the words of HTTP/2 for "later, and less of it"; none of its streams was looked at. RFC 9113 §7. */
  function refuse(session: ServerHttp2Session, client: Socket): void {
    deps.refused(new ProxyError('overloaded'))
    session.on('error', ignore).goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    session.close()
    const timer = setTimeout(() => reset(client), limits.lingerMs)
    client.once('close', () => clearTimeout(timer))
  }

  function watch(session: ServerHttp2Session, client: Socket): void {
    let streams = 0
    let givenUp = 0
    // A session that is closing waits for the rest of a frame, and for the client's end; neither may ever come, or be read.
    const end = (): void => {
      session.close()
      idle = setTimeout(() => reset(client), limits.lingerMs)
    }
    let idle = setTimeout(end, limits.keepAliveMs)
    const late = setTimeout(() => {
      deps.refused(new ProxyError('request_timeout'))
      session.destroy()
      reset(client)
    }, limits.headMs)
    const onStreamEnd = (rstCode: number): void => {
      if (rstCode !== constants.NGHTTP2_NO_ERROR && ++givenUp === STREAMS_GIVEN_UP) retire(session)
      // A session that was closing is destroyed with its last stream, and its connection may still wait for a client that does not read.
      if (--streams === 0 && !client.destroyed) idle = setTimeout(end, limits.keepAliveMs)
    }
    session
      .once('remoteSettings', () => clearTimeout(late))
      .on('stream', (stream, _headers, flags, fields) => {
        streams++
        clearTimeout(idle)
        stream.on('error', ignore).once('close', () => onStreamEnd(stream.rstCode))
        clearTimeoutOnDestroy(stream)
        stream.setTimeout(deps.silenceMs, () => stream.destroy(new Error('the client is silent')))
        const hasBody = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0
        deps.answer({ stream, fields, hasBody, connection: client })
      })
      .on('error', (error: Error) => {
        if (!GONE.has(errorCode(error) ?? '')) deps.refused(new ProxyError('malformed_request', { cause: error }))
      })
      .once('close', () => {
        clearTimeout(idle)
        clearTimeout(late)
        sessions.delete(session)
      })
  }

  function retire(session: ServerHttp2Session): void {
    if (session.closed || session.destroyed) return
    session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM)
    const timer = setTimeout(() => session.close(), limits.lingerMs)
    session.once('close', () => clearTimeout(timer))
  }
}

/** There is no one who could have done better. */
const GONE = new Set(['ECONNRESET', 'EPIPE'])

/** `close` follows. */
const ignore = (): void => undefined
