import type { Secret, SecretResource } from '../kube/secret.ts'
import type { WebhookConfiguration, WebhookConfigurationResource } from '../kube/webhook-configuration.ts'
import type { Certificate, PublishedAnchor } from './anchors.ts'
import { parseBundle, parseCertificate } from './anchors.ts'
import type { CertificateOptions } from './certificate.ts'
import { CertificateProblem } from './problems.ts'
import type { Lifetimes, Sightings } from './rotation.ts'
import { chooseServed, planBundle, planStore, sight } from './rotation.ts'
import { readStore, storeChanges } from './store.ts'

export interface ReconcilerClock {
  /** Wall clock, milliseconds; for when the API server does not say what time it is. */
  now(): number
  /** Monotonic milliseconds. */
  elapsed(): number
}

export interface ReconcilerDeps {
  readonly secret: Pick<SecretResource, 'read' | 'ensure' | 'change'>
  readonly configuration: Pick<WebhookConfigurationResource, 'read' | 'publish'>
  readonly mint: (options: CertificateOptions) => Promise<{ readonly cert: string; readonly key: string }>
  readonly clock: ReconcilerClock
  /** DNS names and IP addresses that the API server calls. */
  readonly hosts: readonly string[]
  /** The subject of certificates of ours. */
  readonly subject: string
  readonly lifetimes: Lifetimes
  /** From 0 to 1, drawn once. */
  readonly jitter: number
  readonly observer: ReconcilerObserver
}

/** What happened, for logs and metrics. */
export interface ReconcilerObserver {
  minted(certificate: Certificate): void
  /** Names of entries of the Secret that were removed or replaced. */
  broken(entries: readonly string[]): void
  published(anchors: number): void
  /** `caBundle` does not hold what is served, or there is none; told before anything is repaired. */
  untrusted(): void
}

export interface ReconcilerState {
  /** What to serve; kept over failures. */
  readonly served: Certificate | undefined
  /** Whether `caBundle` of every entry held it when last read. */
  readonly trusted: boolean
  /** `caBundle` of every entry, as PEM. */
  readonly caBundle: string
}

export interface Reconciler {
  /**
   * Brings Secret, `caBundle` and the served certificate closer to the plan. Calls must not overlap.
   * @throws KubeError, of code conflict when another replica was faster: call again. @throws CertificateProblem
   */
  reconcile(): Promise<ReconcilerState>
}

/** The label by which a Secret of ours is told from somebody else's. Helm claims `managed-by` for whatever a chart holds. */
export const OWNER_LABEL = { 'outbound-jwt.io/certificates': 'self' }

/** Creates the reconciler of mode `self`. Any number of replicas may run one; they meet in the API server alone. */
export function createReconciler(deps: ReconcilerDeps): Reconciler {
  const { configuration, clock, subject, lifetimes } = deps
  let served: Certificate | undefined
  let published: Sightings = new Map()
  let orphaned: Sightings = new Map()

  async function reconcile(): Promise<ReconcilerState> {
    // The order matters: a Secret that is read after the configuration, whose version guards the write, holds everything that anybody
    // had published by then. A replica that was asleep in between loses the compare-and-swap instead of unpublishing what others serve.
    const seen = await configuration.read()
    if (seen.entries.length === 0)
      throw new CertificateProblem('configuration-missing', 'the MutatingWebhookConfiguration has no webhooks')
    // The API server judges what is valid, so its clock is the one that counts: a node in the wrong year must not make, serve or drop anything.
    const now = seen.readAt ?? clock.now()
    const stored = await keepStore(deps, served, now)
    const orphans = findOrphans(seen, stored, subject)
    const elapsed = clock.elapsed()
    orphaned = sight(orphaned, ids(orphans), elapsed)
    const anchors = planBundle(stored, orphans, { now, elapsed, sightings: orphaned, lifetimes })
    const caBundle = anchors.map(({ cert }) => cert).join('')
    const trusted = trustedBy(await publish(deps, seen, { caBundle, anchors: anchors.length, served }))
    published = sight(published, trusted, clock.elapsed())
    const state = { stored, served, published, orphaned, now, elapsed: clock.elapsed(), lifetimes }
    served = chooseServed(state)
    return { served, trusted: served !== undefined && published.has(served.id), caBundle }
  }

  return { reconcile }
}

/** @returns what the Secret holds when it is as it should be. */
async function keepStore(
  deps: ReconcilerDeps,
  served: Certificate | undefined,
  now: number,
): Promise<readonly Certificate[]> {
  const { hosts, lifetimes, jitter, observer } = deps
  const secret = await readOwnSecret(deps.secret)
  const { certificates, broken } = readStore(secret.data, hosts)
  const { keep, mint } = planStore(certificates, served, { now, jitter, lifetimes })
  const minted = mint ? await mintOne(deps, now) : []
  const wanted = [...keep, ...minted]
  const changes = storeChanges(secret.data, wanted)
  if (Object.keys(changes).length > 0) await deps.secret.change(secret, changes)
  minted.forEach((certificate) => observer.minted(certificate))
  if (broken.length > 0) observer.broken(broken)
  return wanted
}

async function mintOne({ mint, hosts, lifetimes }: ReconcilerDeps, now: number): Promise<readonly Certificate[]> {
  const { cert, key } = await mint({ hosts, lifetimeMs: lifetimes.lifetimeMs, now })
  const certificate = parseCertificate(cert, key, hosts)
  if (!certificate) throw new TypeError('made a certificate that cannot be read')
  return [certificate]
}

/** @throws CertificateProblem secret-foreign. */
async function readOwnSecret(resource: ReconcilerDeps['secret']): Promise<Secret> {
  const secret = await resource.read()
  const found = secret ?? (await resource.ensure(OWNER_LABEL))
  if (isOurs(found)) return found
  if (Object.keys(found.data).length === 0) return resource.ensure(OWNER_LABEL)
  throw new CertificateProblem(
    'secret-foreign',
    'the Secret exists with entries and without our label; delete it, or name another in CERTIFICATE_SECRET',
  )
}

const isOurs = ({ labels }: Secret): boolean =>
  Object.entries(OWNER_LABEL).every(([name, value]) => labels[name] === value)

function findOrphans(
  { entries }: WebhookConfiguration,
  stored: readonly PublishedAnchor[],
  subject: string,
): readonly PublishedAnchor[] {
  const known = new Set(ids(stored))
  const anchors = entries.flatMap(({ caBundle }) => parseBundle(caBundle))
  return anchors.filter((anchor) => anchor.subject === subject && !known.has(anchor.id))
}

interface Publication {
  readonly caBundle: string
  /** How many it holds. */
  readonly anchors: number
  readonly served: Certificate | undefined
}

async function publish(
  { configuration, observer }: ReconcilerDeps,
  seen: WebhookConfiguration,
  { caBundle, anchors, served }: Publication,
): Promise<WebhookConfiguration> {
  if (seen.entries.every((entry) => entry.caBundle === caBundle)) return seen
  if (served && !trustedBy(seen).includes(served.id)) observer.untrusted()
  const written = await configuration.publish(seen, caBundle)
  observer.published(anchors)
  return written
}

/** @returns the IDs that `caBundle` of every entry holds. */
function trustedBy({ entries }: WebhookConfiguration): readonly string[] {
  const [first = [], ...rest] = entries.map(({ caBundle }) => ids(parseBundle(caBundle)))
  return first.filter((id) => rest.every((other) => other.includes(id)))
}

const ids = (anchors: readonly { readonly id: string }[]): readonly string[] => anchors.map(({ id }) => id)
