import type { IncomingMessage } from 'node:http'
import { startUpstream } from '../../support/proxy/upstream.ts'
import type { Upstream } from '../../support/proxy/upstream.ts'
import type { KeyPair } from '../../support/certificates.ts'
import { ROLE } from './token.ts'
import type { Issuer } from './token.ts'

/** A partner below a wildcard that looks at every token: 200 for one of its issuer's, 401 for another. */
export interface StrictPartner extends Upstream {
  /** What reached it that never may; empty in a run that holds. */
  readonly wrongs: readonly string[]
}

/** SigV4's tolerance, by which the proxy judges whether a token is over. */
const CLOCK_TOLERANCE_SECONDS = 300
const LARGEST_TOKEN = 16 * 1024

export async function startStrictPartner(pair: KeyPair, issuer: Issuer): Promise<StrictPartner> {
  const wrongs: string[] = []
  const upstream = await startUpstream((request, response) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '')
    const fields = request.headersDistinct['authorization'] ?? []
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(fields[0] ?? '')?.[1]
    const wrong =
      token === undefined || fields.length !== 1
        ? `Authorization is ${JSON.stringify(fields).slice(0, 300)}`
        : objection(token, host)
    if (wrong !== undefined || hasStranger(request))
      wrongs.push(`${host}: ${wrong ?? JSON.stringify(request.rawHeaders).slice(0, 500)}`)
    response.writeHead(token !== undefined && issuer.verifies(token) ? 200 : 401).end()
  }, pair)
  return { ...upstream, wrongs }
}

/** A header nobody sent: something in the token ended the line. */
const hasStranger = ({ headers }: IncomingMessage): boolean => 'x-injected' in headers

/** @returns why a token may not be sent to a host, whoever answered in the place of STS. The signature is the partner's to verify. */
function objection(token: string, host: string): string | undefined {
  const [header = '', claims = ''] = token.split('.')
  const { alg } = read(header)
  const { aud, sub, exp } = read(claims)
  const audiences = new Set(Array.isArray(aud) ? aud : [aud])
  if (audiences.size !== 1 || !audiences.has(`https://${host}`)) return `the token is for ${JSON.stringify(aud)}`
  if (sub !== ROLE) return `the token is of ${JSON.stringify(sub)}`
  if (alg !== 'RS256') return `the token is signed with ${JSON.stringify(alg)}`
  if (typeof exp !== 'number' || exp < Date.now() / 1000 - CLOCK_TOLERANCE_SECONDS)
    return `the token ended at ${JSON.stringify(exp)}`
  return token.length > LARGEST_TOKEN ? `the token has ${token.length} bytes` : undefined
}

/** @returns a part of a token, empty when it is none. */
function read(part: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>
  } catch {
    return {}
  }
}
