import { X509Certificate } from 'node:crypto'
import type { Route } from '../contract.ts'
import { printable } from '../contract.ts'
import type { KeyPairInUse } from '../runtime/index.ts'
import type { Finding } from './report.ts'

const SOON_DAYS = 7
const DAY_MS = 86_400_000
const RENEW =
  'Renew the Secret that clientCertificate of outbound-jwt.io/routes names: a certificate and the key that belongs to it.'

/**
 * @param certificates by the directory that a route names.
 * @param nowMs of the Unix epoch.
 * @returns a finding for each route with a client certificate. SECURITY: nothing of the key.
 */
export function clientCertificateFindings(
  routes: readonly Route[],
  certificates: ReadonlyMap<string, KeyPairInUse>,
  nowMs: number,
): readonly Finding[] {
  return routes.flatMap(({ name, clientCertificateDir }) => {
    const inUse = clientCertificateDir === undefined ? undefined : certificates.get(clientCertificateDir)
    return inUse ? [{ id: 'certificate', subject: name, ...judge(inUse, nowMs) }] : []
  })
}

function judge({ pair, problem }: KeyPairInUse, nowMs: number): Pick<Finding, 'verdict' | 'found' | 'fix'> {
  const { subject, issuer, validFromDate, validToDate } = new X509Certificate(pair.cert)
  const days = Math.floor((validToDate.getTime() - nowMs) / DAY_MS)
  const whose = `${oneLine(subject)}, issued by ${oneLine(issuer)}`
  if (validFromDate.getTime() > nowMs)
    return { verdict: 'fail', found: `${whose}; not valid before ${validFromDate.toISOString()}`, fix: RENEW }
  if (days < 0) return { verdict: 'fail', found: `${whose}; expired on ${validToDate.toISOString()}`, fix: RENEW }
  const found = `${whose}; valid for ${days} ${days === 1 ? 'day' : 'days'}`
  if (problem !== undefined) return { verdict: 'warn', found: `${found}; ${problem}`, fix: RENEW }
  return days < SOON_DAYS ? { verdict: 'warn', found, fix: RENEW } : { verdict: 'pass', found }
}

/** Node puts each part of a name on a line of its own. */
const oneLine = (name: string): string => printable(name.replaceAll('\n', ', '))
