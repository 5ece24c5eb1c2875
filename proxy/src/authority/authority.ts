import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import type { Files, NamedFile } from '../runtime/index.ts'
import { inDirectory } from '../runtime/index.ts'
import type { Clock } from '../tokens/time.ts'
import { constrainTo, intercepts } from './constraints.ts'
import type { InterceptedHost, NameConstraints } from './constraints.ts'
import { LeafRefusedError, createLeaves } from './leaves.ts'
import { readExtraCa, trustFiles } from './trust.ts'
import type * as X509 from './x509.ts'

export interface AuthorityOptions {
  /** At least one. */
  readonly hosts: readonly InterceptedHost[]
  /** Where applications read what to trust; an empty path means that the setting is not set. */
  readonly trustDir: NamedFile
  /** What a restarted sidecar goes on with; for nobody else's eyes. */
  readonly authorityDir: NamedFile
  readonly extraCa: NamedFile | undefined
  /** PEM, one certificate each: `tls.rootCertificates`. */
  readonly publicRoots: readonly string[]
  readonly files: Pick<Files, 'read' | 'replace'>
  readonly clock: Pick<Clock, 'now'>
}

/** The certificate authority of one pod, for the hosts that its routes intercept. */
export interface PodAuthority {
  /**
   * What a TLS server presents to clients of a host; the same object until it is renewed.
   * @param host lower case, no trailing dot.
   * @throws LeafRefusedError when no route intercepts the host, or too many certificates were made within a second.
   */
  certificate(host: string): Promise<LeafCertificate>
  describe(): AuthorityDescription
}

/** PEM, as `node:tls` takes it. */
export interface LeafCertificate {
  /** With the intermediate. */
  readonly cert: string
  readonly key: string
}

export interface AuthorityDescription {
  /** Of the anchor, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint256: string
  readonly constraints: NameConstraints
  /** Wall clock, milliseconds. */
  readonly notAfter: number
  /** Whether applications that started earlier trust it: `remade` means that they do not. */
  readonly origin: 'made' | 'kept' | 'remade'
  /** Paths that applications read. */
  readonly files: readonly string[]
}

/** One file, so that certificates and key cannot be of two authorities after a crash. */
const STORED = 'authority.pem'

/** Both directories. */
const NEEDED_BY = 'a route with https: intercept'

/**
 * Goes on with the stored authority, or makes one when there is none that fits the hosts, and writes what applications are to trust.
 * @throws SettingsError when a directory or the file with additional anchors cannot be used.
 */
export async function openAuthority(options: AuthorityOptions): Promise<PodAuthority> {
  const { hosts, files, clock } = options
  // SECURITY: without a permitted name the authority could sign for every name.
  if (hosts.length === 0) throw new TypeError('an authority needs a host')
  const extra = options.extraCa ? readExtraCa(options.extraCa, files) : []
  const x509 = await import('./x509.ts')
  const constraints = constrainTo(hosts)
  const { authority, origin } = await openStored(x509, constraints, options)
  const anchor = new X509Certificate(authority.root)
  const paths = publish(
    options,
    trustFiles({ publicRoots: options.publicRoots, extra, anchor: authority.root }, anchor.validFromDate.getTime()),
  )

  const issuer = await x509.createLeafIssuer(authority)
  const leaves = createLeaves(clock, async (host, wallMs) => ({
    cert: await issuer.issue(host, wallMs),
    key: issuer.key,
  }))
  return {
    certificate: async (host) => {
      if (!intercepts(hosts, host)) throw new LeafRefusedError('not_intercepted', 'no route intercepts this host')
      return leaves.get(host)
    },
    describe: () => ({
      fingerprint256: anchor.fingerprint256,
      constraints,
      notAfter: anchor.validToDate.getTime(),
      origin,
      files: paths,
    }),
  }
}

/** SECURITY: stored before it is published; an anchor that a restart would lose must not be trusted by anybody. */
async function openStored(
  { createAuthority, formatAuthority, parseAuthorityText }: typeof X509,
  constraints: NameConstraints,
  { authorityDir, files, clock }: AuthorityOptions,
): Promise<{ authority: X509.Authority; origin: AuthorityDescription['origin'] }> {
  const path = join(authorityDir.path, STORED)
  const { wallMs } = clock.now()
  const text = inDirectory(authorityDir, NEEDED_BY, () => files.read(path))
  const stored = text === undefined ? undefined : await parseAuthorityText(text, constraints, wallMs)
  if (stored) return { authority: stored, origin: 'kept' }
  const authority = await createAuthority(constraints, wallMs)
  const content = await formatAuthority(authority)
  inDirectory(authorityDir, NEEDED_BY, () => files.replace(path, content, 0o600))
  return { authority, origin: text === undefined ? 'made' : 'remade' }
}

/** @returns the paths of the files. World-readable: applications run as any user. */
function publish({ trustDir, files }: AuthorityOptions, contents: ReadonlyMap<string, string | Buffer>): string[] {
  return [...contents].map(([name, content]) => {
    const path = join(trustDir.path, name)
    inDirectory(trustDir, NEEDED_BY, () => files.replace(path, content, 0o444))
    return path
  })
}
