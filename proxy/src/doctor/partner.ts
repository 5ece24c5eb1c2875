import type { Socket } from 'node:net'
import { connect } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import type { HostPattern } from '../contract.ts'
import { ProxyError } from '../errors.ts'
import { upstreamFailure } from '../http/outbound/failure.ts'
import type { ShownCertificate } from '../http/outbound/failure.ts'
import type { Finding } from './report.ts'

/** What the TLS handshake with a partner showed. */
export interface Handshake {
  readonly protocol: string
  readonly address: string
  /** End of the partner's certificate, milliseconds. */
  readonly validUntilMs: number
}

export interface PartnerOptions extends Pick<ConnectionOptions, 'secureContext' | 'lookup'> {
  /** Connects by the egress proxy. Absent: directly. */
  readonly tunnel?: ((signal: AbortSignal) => Promise<Socket>) | undefined
  /** The client certificate of `secureContext`. */
  readonly shown?: ShownCertificate
}

/** A partner that takes longer than this to refuse the client is not waited for. */
const REFUSAL_MS = 1_000

/**
 * Connects to a partner as a request would, and closes after the first word of the partner: in TLS 1.3 the handshake has ended for the
 * client before the server has looked for a client certificate. What follows is a session ticket or an alert. RFC 8446 §4.6.1.
 * @throws ProxyError (as rejection).
 */
export async function shakeHands(
  { host, port }: HostPattern,
  { tunnel, shown, ...options }: PartnerOptions,
  signal: AbortSignal,
): Promise<Handshake> {
  const egress = await tunnel?.(signal)
  return await new Promise((resolve, reject) => {
    // SECURITY: explicit, as in every connection that a token could take.
    const socket = connect({
      ...options,
      ...(egress && { socket: egress }),
      host,
      port,
      servername: host,
      rejectUnauthorized: true,
    })
    const abort = (): void => {
      socket.destroy()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', abort, { once: true })
    socket.on('error', (error) => reject(upstreamFailure(error, 'connecting', shown)))
    socket.on('secureConnect', () => {
      const handshake = {
        protocol: socket.getProtocol() ?? 'TLS',
        address: egress ? `${host} by the egress proxy` : (socket.remoteAddress ?? ''),
        validUntilMs: Date.parse(socket.getPeerCertificate().valid_to),
      }
      const accept = (): void => {
        resolve(handshake)
        socket.destroy()
      }
      socket.on('session', accept).once('end', accept).setTimeout(REFUSAL_MS, accept)
    })
    socket.on('close', () => signal.removeEventListener('abort', abort))
  })
}

/** Certificates of public authorities are renewed weeks before. */
const SOON_DAYS = 7
const DAY_MS = 86_400_000

/**
 * @param subject the host as the route writes it.
 * @param nowMs of the Unix epoch.
 */
export function partnerFinding(subject: string, handshake: Handshake | ProxyError, nowMs: number): Finding {
  if (handshake instanceof ProxyError)
    return {
      id: 'partner',
      subject,
      verdict: 'fail',
      found: handshake.message,
      fix: handshake.hint,
      reason: handshake.code,
    }
  const days = Math.floor((handshake.validUntilMs - nowMs) / DAY_MS)
  const found = `${handshake.protocol} with ${handshake.address}; its certificate verifies and is valid for ${days} ${days === 1 ? 'day' : 'days'}`
  if (days >= SOON_DAYS) return { id: 'partner', subject, verdict: 'pass', found }
  return { id: 'partner', subject, verdict: 'warn', found, fix: 'Tell the partner that its certificate ends soon.' }
}
