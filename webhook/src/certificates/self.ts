import type { Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { SecretResource } from '../kube/secret.ts'
import type { WebhookConfigurationResource } from '../kube/webhook-configuration.ts'
import type { WebhookMetrics } from '../metrics.ts'
import { SUBJECT, mintCertificate } from './certificate.ts'
import type { CopiedBundleDeps } from './copied-bundle.ts'
import { createCopiedBundle } from './copied-bundle.ts'
import type { ReconcilerClock } from './reconciler.ts'
import { createReconciler } from './reconciler.ts'
import { startReconcileLoop } from './reconcile-loop.ts'
import { createProblemReporter } from './problems.ts'
import type { Lifetimes } from './rotation.ts'
import type { CertificateMode, Serving } from './serving.ts'

export interface SelfDeps {
  readonly secret: SecretResource
  readonly configuration: WebhookConfigurationResource
  /** The registration of warnings, which trusts the same certificates. */
  readonly warnings: CopiedBundleDeps['configuration']
  readonly hosts: readonly string[]
  readonly lifetimes: Lifetimes
  readonly serving: Serving
  readonly clock: ReconcilerClock
  /** From 0 to 1. */
  readonly random: () => number
  readonly log: Logger
  readonly instruments: Metrics<WebhookMetrics>['instruments']
}

/** At most this long until drift is found without the watch. */
const LONGEST_TICK_MS = 30_000
/** Looks per publication delay: an anchor that another replica has dropped must be put back well before the delay is over. */
const TICKS_PER_DELAY = 4

/** The Secret is gone, and caBundle says that somebody serves a certificate this replica has no key for. */
const WAITING = 'waiting for another replica to put its certificate back into the Secret'

/** Starts mode `self`: makes, publishes, renews and serves a certificate that needs nobody else. */
export function startSelf(deps: SelfDeps): CertificateMode {
  const { secret, configuration, warnings, hosts, lifetimes, serving, clock, random, log, instruments } = deps
  const problems = createProblemReporter({ log, instruments })
  const copied = createCopiedBundle({ configuration: warnings, log })
  let trusted = false
  let waiting = false
  let interruption: string | undefined
  const trust = (isTrusted: boolean): void => {
    trusted = isTrusted
    instruments.certificateTrusted.with({}).set(isTrusted ? 1 : 0)
  }
  const reconciler = createReconciler({
    secret,
    configuration,
    mint: mintCertificate,
    clock,
    hosts,
    subject: SUBJECT,
    lifetimes,
    jitter: random(),
    observer: {
      minted: ({ notAfter }) => {
        instruments.certificateChanges.with({ change: 'minted' }).add()
        log.info('certificate made', { expires: new Date(notAfter).toISOString() })
      },
      broken: (entries) => problems.report('secret-broken', `entries ${entries.join(', ')}`),
      untrusted: () => trust(false),
      published: (anchors) => {
        instruments.certificateChanges.with({ change: 'published' }).add()
        log.info('caBundle written', { anchors })
      },
    },
  })
  const loop = startReconcileLoop({
    reconciler,
    onState: (state) => {
      if (state.served) serving.serve(state.served)
      else if (!waiting) log.info(WAITING)
      waiting = state.served === undefined
      trust(state.trusted)
      copied.copy(state.caBundle)
    },
    problems: {
      ...problems,
      report: (code, message) => {
        if (code === 'configuration-missing') trust(false)
        problems.report(code, message)
      },
    },
    tickMs: Math.min(LONGEST_TICK_MS, lifetimes.publicationDelayMs / TICKS_PER_DELAY),
    random,
  })
  const watch = configuration.watch({
    onChange: loop.trigger,
    onState: (failure) => {
      instruments.watchConnected.with({}).set(failure ? 0 : 1)
      if (failure && failure.message !== interruption) log.warn('watch interrupted', { error: failure.message })
      interruption = failure?.message
    },
    random,
  })
  return {
    notReadyReason: () => {
      if (waiting) return WAITING
      if (!trusted) return 'no certificate that caBundle trusts; the log names the problem'
      return clock.now() < (serving.current?.notAfter ?? 0) ? undefined : 'the certificate has expired'
    },
    stop: () => {
      loop.stop()
      watch.stop()
    },
  }
}
