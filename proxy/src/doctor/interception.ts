import { X509Certificate } from 'node:crypto'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'node:tls'
import type { PodAuthority } from '../authority/authority.ts'
import type { HostPattern, Route } from '../contract.ts'
import { formatHostPattern, parseHostPattern } from '../contract.ts'
import { errorCode } from '../runtime/index.ts'
import { within } from '../tokens/time.ts'
import type { Clock } from '../tokens/time.ts'
import type { Finding } from './report.ts'

/** What `https: intercept` looks like from the place of an application. */
export interface InterceptionView {
  readonly authority: Pick<PodAuthority, 'describe'>
  /** Reads a file that applications trust. @throws */
  readonly read: (path: string) => string
  /** Where HTTPS_PROXY leads. */
  readonly proxy: () => { readonly host: string; readonly port: number }
  readonly clock: Clock
}

const CALL_MS = 8_000
/** Who leaves sooner counts as a client that refuses the certificate. */
const STAY_MS = 1_100
const DAY_MS = 86_400_000
const RESTART = 'Restart the pod: its applications read the file when they start.'

/** Looks at the pod's authority, at the files that applications trust, and calls each host without a wildcard as they would. */
export async function examineInterception(
  view: InterceptionView,
  routes: readonly Route[],
  most: number,
): Promise<readonly Finding[]> {
  const trust = trustFinding(view)
  const hosts = routes
    .filter(({ https }) => https === 'intercept')
    .flatMap((route) => route.hosts)
    .flatMap((text) => {
      const parsed = parseHostPattern(text)
      return parsed.ok && !parsed.value.wildcard ? [parsed.value] : []
    })
    .slice(0, most)
  const calls = trust.verdict === 'pass' ? await Promise.all(hosts.map((host) => callFinding(host, view))) : []
  return [authorityFinding(view), trust, ...calls]
}

function authorityFinding({ authority, clock }: InterceptionView): Finding {
  const { fingerprint256, constraints, notAfter, origin } = authority.describe()
  const days = Math.floor((notAfter - clock.now().wallMs) / DAY_MS)
  const found = `SHA-256 ${fingerprint256}, for ${constraints.permitted.join(', ')} alone, valid for ${days} days`
  if (origin !== 'remade') return { id: 'authority', verdict: 'pass', found }
  return {
    id: 'authority',
    verdict: 'warn',
    found: `${found}; it was made when the sidecar started again, and applications that are older do not trust it`,
    fix: RESTART,
  }
}

/** The PEM files; what is in the one for Java comes from the same list. */
function trustFinding({ authority, read }: InterceptionView): Finding {
  const { files, fingerprint256 } = authority.describe()
  for (const file of files.filter((path) => path.endsWith('.crt'))) {
    const wrong = problemOf(() => read(file), fingerprint256)
    if (wrong !== undefined) return { id: 'trust', subject: file, verdict: 'fail', found: wrong, fix: RESTART }
  }
  return { id: 'trust', verdict: 'pass', found: `${files.join(', ')} hold the authority` }
}

function problemOf(read: () => string, fingerprint256: string): string | undefined {
  try {
    const certificates = read().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    const holds = certificates.some((pem) => new X509Certificate(pem).fingerprint256 === fingerprint256)
    return holds ? undefined : 'Does not hold the authority of this pod.'
  } catch (error) {
    return `Cannot be read (${errorCode(error) ?? 'not a certificate'}).`
  }
}

async function callFinding(host: HostPattern, view: InterceptionView): Promise<Finding> {
  const { authority, read, proxy, clock } = view
  const finding = { id: 'intercept', subject: formatHostPattern(host) } as const
  const anchor = authority.describe().files.find((path) => path.endsWith('/ca.crt')) ?? ''
  const late = (): Error => new Error('no handshake within 8 s')
  try {
    const call = (signal: AbortSignal): Promise<string> => callAsApplication(host, proxy(), read(anchor), signal)
    const protocol = await within(clock, CALL_MS, call, late)
    return {
      ...finding,
      verdict: 'pass',
      found: `${protocol} through the proxy; its certificate verifies with ${anchor}`,
    }
  } catch (error) {
    return {
      ...finding,
      verdict: 'fail',
      found: `An https:// URL fails: ${error instanceof Error ? error.message : String(error)}.`,
      fix: 'Look at the log of this container; docs/https.md says what is needed.',
    }
  }
}

/** CONNECT, then TLS, as any client does with HTTPS_PROXY. No request follows, so that the partner hears nothing. */
async function callAsApplication(
  { host, port }: HostPattern,
  proxy: { readonly host: string; readonly port: number },
  ca: string,
  signal: AbortSignal,
): Promise<string> {
  const tunnel = await openTunnel(`${host}:${port}`, proxy, signal)
  const socket = connect({ socket: tunnel, servername: host, ca, rejectUnauthorized: true })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve).once('error', reject)
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
    await delay(STAY_MS, undefined, { signal })
    return socket.getProtocol() ?? 'TLS'
  } finally {
    socket.destroy()
  }
}

function openTunnel(
  path: string,
  proxy: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    request({ ...proxy, method: 'CONNECT', path, headers: { Host: path }, agent: false, signal })
      .once('connect', ({ statusCode, headers }, socket: Socket) => {
        if (statusCode === 200) resolve(socket)
        else {
          socket.destroy()
          reject(new Error(`CONNECT answers ${statusCode} ${String(headers['x-outbound-jwt-error'] ?? '')}`.trim()))
        }
      })
      .once('error', reject)
      .end()
  })
}
