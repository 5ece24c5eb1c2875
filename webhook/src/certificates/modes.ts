import type { Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { WebhookConfig } from '../config.ts'
import { loadKubeConfig } from '../kube/client.ts'
import { createSecretResource } from '../kube/secret.ts'
import { createWebhookConfigurationResource } from '../kube/webhook-configuration.ts'
import type { WebhookMetrics } from '../metrics.ts'
import type { ReconcilerClock } from './reconciler.ts'
import { startMounted } from './mounted.ts'
import { startSelf } from './self.ts'
import type { CertificateMode, Serving } from './serving.ts'

export interface ModeDeps {
  readonly serving: Serving
  readonly clock: ReconcilerClock
  /** From 0 to 1. */
  readonly random: () => number
  readonly read: (path: string) => string
  readonly log: Logger
  readonly instruments: Metrics<WebhookMetrics>['instruments']
}

/** A kubelet needs a minute or so to bring a changed Secret into a mount; a few seconds more do not matter. */
const POLL_MS = 5_000

/** Starts the mode that the settings name. @throws SettingsError when mounted files cannot be used. */
export function startCertificates(config: WebhookConfig, deps: ModeDeps): CertificateMode {
  const { serving, clock, random, read, log, instruments } = deps
  if (config.certificateMode !== 'self')
    return startMounted({ files: config, read, serving, now: clock.now, pollMs: POLL_MS, log, instruments })
  const kube = loadKubeConfig()
  return startSelf({
    secret: createSecretResource(kube, { namespace: config.namespace, name: config.certificateSecret }),
    configuration: createWebhookConfigurationResource(kube, 'mutating', config.webhookConfiguration),
    warnings: createWebhookConfigurationResource(kube, 'validating', config.webhookConfiguration),
    hosts: config.certificateHosts,
    lifetimes: {
      lifetimeMs: config.certificateLifetimeSeconds * 1000,
      publicationDelayMs: config.publicationDelaySeconds * 1000,
    },
    serving,
    clock,
    random,
    log,
    instruments,
  })
}
