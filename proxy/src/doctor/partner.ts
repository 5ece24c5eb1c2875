import { connect } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import type { HostPattern } from '../contract.ts'
import { ProxyError } from '../errors.ts'
import { upstreamFailure } from '../http/outbound/failure.ts'
import type { Finding } from './report.ts'

/** What the TLS handshake with a partner showed. */
export interface Handshake {
  readonly protocol: string
  readonly address: string
  /** End of the partner's certificate, milliseconds. */
  readonly validUntilMs: number
}

export type PartnerOptions = Pick<ConnectionOptions, 'secureContext' | 'lookup'>

/**
 * Connects to a partner as a request would, and closes.
 * @throws ProxyError (as rejection).
 */
export function shakeHands(
  { host, port }: HostPattern,
  options: PartnerOptions,
  signal: AbortSignal,
): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    // SECURITY: explicit, as in every connection that a token could take.
    const socket = connect({
      ...options,
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
    socket.on('error', (error) => reject(upstreamFailure(error, 'connecting')))
    socket.on('secureConnect', () => {
      resolve({
        protocol: socket.getProtocol() ?? 'TLS',
        address: socket.remoteAddress ?? '',
        validUntilMs: Date.parse(socket.getPeerCertificate().valid_to),
      })
      socket.destroy()
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
  const found = `${handshake.protocol} with ${handshake.address}; its certificate verifies and is valid for ${days} days`
  if (days >= SOON_DAYS) return { id: 'partner', subject, verdict: 'pass', found }
  return { id: 'partner', subject, verdict: 'warn', found, fix: 'Tell the partner that its certificate ends soon.' }
}
