// The one file that speaks to the egress proxy. SECURITY: nothing of a request for a partner is written before it has said 2xx.
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect as connectTcp, isIP } from 'node:net'
import type { LookupFunction, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { SecureContext } from 'node:tls'
import type { buildConnector } from 'undici'
import { formatEgressProxy } from '../../contract.ts'
import type { EgressProxy } from '../../contract.ts'
import { ProxyError } from '../../errors.ts'
import type { ErrorCode } from '../../errors.ts'
import { errorCode, formatAddress } from '../../runtime/index.ts'
import { redact } from '../../tokens/redact.ts'
import { isTlsError, isUnresolved } from './failure.ts'

export interface EgressDeps {
  readonly proxy: EgressProxy
  /** Resolves its name to addresses that may be connected to. */
  readonly lookup: LookupFunction
  /** Whether its address, where the URL has one instead of a name, may be connected to. */
  readonly mayConnect: (address: string) => boolean
  readonly autoSelectFamily: true
  readonly autoSelectFamilyAttemptTimeout: number
  /** For an https:// proxy. */
  readonly secureContext: () => SecureContext
  /** `user:password`, as of now; undefined where it wants none. */
  readonly credentials: () => string | undefined
}

/** Hears of a connection once; exactly one of the two is there. */
export type Opened = (error: ProxyError | null, socket?: Socket) => void

/** Gives up a connection that is not open yet; nobody hears of it then. */
export type Abandon = () => void

/** Connects for undici. @returns what gives the attempt up; undefined where nothing does. */
export type Connect = (...parameters: Parameters<buildConnector.connector>) => Abandon | undefined

export interface EgressTarget {
  readonly host: string
  readonly port: number
  readonly timeoutMs: number
  /** For who passes on the end of one direction while the other goes on. */
  readonly allowHalfOpen?: boolean
}

/** Response heads of proxies have some hundred bytes. */
const HEAD_BYTES = 16 * 1024
const SAID_CHARACTERS = 120
const WITH_CREDENTIALS = ' to the user name and password that it was sent'

/** Connections by one egress proxy. */
export class Egress {
  private readonly deps: EgressDeps
  private readonly url: string

  constructor(deps: EgressDeps) {
    this.deps = deps
    this.url = formatEgressProxy(deps.proxy)
  }

  /** @returns the value of Proxy-Authorization for what is sent now. RFC 7617. */
  private authorization(): string | undefined {
    const credentials = this.deps.credentials()
    return credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`
  }

  /** Connects to the proxy itself, for requests that name a whole URL. */
  connect(timeoutMs: number, opened: Opened): Abandon {
    const { settle, fail, abandon } = this.begin(timeoutMs, opened)
    const socket = this.dial(fail, false, () => settle(socket))
    return abandon(socket)
  }

  /** @throws ProxyError (as rejection) when it does not accept a connection. */
  reach(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.connect(timeoutMs, (error, socket) => {
        socket?.destroy()
        if (error) reject(error)
        else resolve()
      })
    })
  }

  /** Has the proxy connect to a host. RFC 9110 §9.3.6. */
  tunnel({ host, port, timeoutMs, allowHalfOpen = false }: EgressTarget, opened: Opened): Abandon {
    const { settle, fail, abandon } = this.begin(timeoutMs, opened)
    const authority = formatAddress({ host, port })
    const authorization = this.authorization()
    const socket = this.dial(fail, allowHalfOpen, () => {
      request({
        method: 'CONNECT',
        path: authority,
        headers: {
          Host: authority,
          Connection: 'keep-alive',
          ...(authorization !== undefined && { 'Proxy-Authorization': authorization }),
        },
        maxHeaderSize: HEAD_BYTES,
        createConnection: () => socket,
      })
        // Whatever it answers ends here, and a body is never waited for.
        .on('connect', (answer: IncomingMessage, _: unknown, head: Buffer) => {
          const { statusCode = 0 } = answer
          if (statusCode < 200 || statusCode > 299) {
            fail(this.refusal(answer, authorization !== undefined))
            return
          }
          // A server may speak first.
          if (head.length > 0) socket.unshift(head)
          settle(socket)
        })
        .on('error', fail)
        .end()
    })
    return abandon(socket)
  }

  /** The same for who waits. @throws ProxyError, or the signal's reason (as rejection). */
  socket(target: EgressTarget, signal: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const abandon = this.tunnel(target, (error, socket) => {
        signal.removeEventListener('abort', abort)
        if (socket) resolve(socket)
        else reject(error ?? new ClosedEarly())
      })
      const abort = (): void => {
        abandon()
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', abort, { once: true })
    })
  }

  /** @throws ProxyError (as rejection) when the proxy does not connect to the host. */
  async reaches(target: EgressTarget): Promise<void> {
    const socket = await this.socket(target, NEVER)
    socket.destroy()
  }

  /** @returns a connector for requests in absolute form. */
  connector(timeoutMs: number): Connect {
    return (_, done) =>
      this.connect(timeoutMs, (error, socket) => (socket ? done(null, socket) : done(error ?? new ClosedEarly(), null)))
  }

  /** @returns a connector that has TLS with the target by way of the proxy. @param secure makes TLS of a connection. */
  tunnelled(target: EgressTarget, secure: buildConnector.connector): Connect {
    return (options, done) => {
      let opened: Socket | undefined
      const abandon = this.tunnel(target, (error, httpSocket) => {
        opened = httpSocket
        if (httpSocket) secure({ ...options, httpSocket }, done)
        else done(error ?? new ClosedEarly(), null)
      })
      return () => {
        abandon()
        opened?.destroy()
      }
    }
  }

  /** @returns the fields of a request in absolute form: those given, and what is for the proxy. */
  fields(headers: readonly string[]): string[] {
    const authorization = this.authorization()
    return authorization === undefined ? [...headers] : [...headers, 'Proxy-Authorization', authorization]
  }

  /** What 407 to a request in absolute form means: it is the proxy's own beyond doubt. RFC 9110 §15.5.8. */
  unauthenticated(): ProxyError {
    const sent = this.deps.credentials() === undefined ? '' : WITH_CREDENTIALS
    return this.error('egress_proxy_unauthenticated', `answers 407${sent}`)
  }

  private begin(timeoutMs: number, opened: Opened): Pending {
    let isOver = false
    let started: Socket | undefined
    const finish = (error: ProxyError | null, socket?: Socket): void => {
      if (isOver) return
      isOver = true
      clearTimeout(late)
      if (error) started?.destroy()
      opened(error, socket)
    }
    const fail = (error: unknown): void => finish(this.failure(error))
    const late = setTimeout(
      () => fail(this.error('egress_proxy_timeout', `had no connection within ${timeoutMs / 1000} s`)),
      timeoutMs,
    )
    return {
      settle: (socket) => finish(null, socket),
      fail,
      abandon: (socket) => {
        started = socket
        if (isOver) socket.destroy()
        return () => {
          if (isOver) return
          isOver = true
          clearTimeout(late)
          socket.destroy()
        }
      },
    }
  }

  private dial(fail: (error: unknown) => void, allowHalfOpen: boolean, connected: () => void): Socket {
    const { proxy, lookup, autoSelectFamily, autoSelectFamilyAttemptTimeout, mayConnect, secureContext } = this.deps
    const { scheme, host, port } = proxy
    const dialling = { lookup, autoSelectFamily, autoSelectFamilyAttemptTimeout }
    const options = { ...dialling, host, port, allowHalfOpen, noDelay: true }
    const socket =
      scheme === 'http'
        ? connectTcp(options)
        : connectTls({
            ...options,
            ...(isIP(host) === 0 && { servername: host }),
            secureContext: secureContext(),
            ALPNProtocols: ['http/1.1'],
            // SECURITY: explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing.
            rejectUnauthorized: true,
          })
    // It stays there for who takes the connection over: a socket without one would end the process.
    socket.on('error', fail).once('close', () => fail(new ClosedEarly()))
    if (isIP(host) !== 0 && !mayConnect(host)) socket.destroy(new ProxyError('address_denied'))
    else socket.once(scheme === 'http' ? 'connect' : 'secureConnect', connected)
    return socket
  }

  /** SECURITY: only codes of errors go along, and the proxy's words redacted and cut. */
  private failure(error: unknown): ProxyError {
    if (error instanceof ProxyError)
      return error.code === 'address_denied'
        ? this.error('egress_proxy_unreachable', 'has only addresses that are never connected to', error)
        : error
    const code = errorCode(error) ?? 'unknown'
    if (CLOSED_CODES.has(code))
      return this.error('egress_proxy_failed', `closed the connection without an answer (${code})`, error)
    if (code.startsWith('HPE_')) return this.error('egress_proxy_failed', 'gives an answer that is not HTTP', error)
    if (isTlsError(code)) return this.error('egress_proxy_tls_failed', `failed in TLS (${code})`, error)
    if (isUnresolved(code)) return this.error('egress_proxy_unreachable', `does not resolve (${code})`, error)
    return this.error('egress_proxy_unreachable', `is not connected to (${code})`, error)
  }

  private refusal({ statusCode = 0, statusMessage = '', headers }: IncomingMessage, isKnown: boolean): ProxyError {
    const words = [statusMessage, squidError(headers['x-squid-error'])].filter((text) => text !== '').join(', ')
    const said = redact(words, SAID_CHARACTERS, this.secrets())
    const answer = `answers ${statusCode}${said === '' ? '' : ` (${said})`}`
    if (statusCode !== 407)
      return this.error(isDenial(statusCode) ? 'egress_proxy_denied' : 'egress_proxy_failed', answer)
    const sent = isKnown ? WITH_CREDENTIALS : ''
    return this.error('egress_proxy_unauthenticated', `${answer}${sent}${withoutBasic(headers['proxy-authenticate'])}`)
  }

  private secrets(): readonly string[] {
    const credentials = this.deps.credentials()
    if (credentials === undefined) return []
    const password = credentials.slice(credentials.indexOf(':') + 1)
    return [Buffer.from(credentials).toString('base64'), credentials, password]
  }

  private error(code: ErrorCode, what: string, cause?: unknown): ProxyError {
    return new ProxyError(code, { message: `The egress proxy ${this.url} ${what}.`, cause })
  }
}

const NEVER = new AbortController().signal

const CLOSED_CODES = new Set(['ECONNRESET', 'EPIPE'])

interface Pending {
  readonly settle: (socket: Socket) => void
  readonly fail: (error: unknown) => void
  readonly abandon: (socket: Socket) => Abandon
}

/** What a person has to change; the other statuses of this class end by themselves. */
function isDenial(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429
}

function withoutBasic(schemes: string | string[] | undefined): string {
  return schemes === undefined || /\bbasic\b/i.test(String(schemes)) ? '' : ', and does not offer Basic authentication'
}

/** squid says here what its page says at length, such as `ERR_DNS_FAIL 0`. */
function squidError(value: string | string[] | undefined): string {
  return /^ERR_[A-Z_]{1,40}/.exec(String(value ?? ''))?.[0] ?? ''
}

class ClosedEarly extends Error {
  readonly code = 'ECONNRESET'
}
