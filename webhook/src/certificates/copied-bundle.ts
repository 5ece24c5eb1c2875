import type { Logger } from '@aws-outbound-jwt-injector/proxy/runtime'
import { KubeError } from '../kube/failure.ts'
import type { WebhookConfigurationResource } from '../kube/webhook-configuration.ts'

export interface CopiedBundleDeps {
  /** A registration whose entries may fail: nothing waits for it, and no replica is unready because of it. */
  readonly configuration: Pick<WebhookConfigurationResource, 'read' | 'publish'>
  readonly log: Logger
}

/** Keeps `caBundle` of a second registration as that of the one that certificates are published in. */
export interface CopiedBundle {
  /** Writes it where it differs, in the background. A call during another is dropped: the next look of the reconciler brings it again. */
  copy(caBundle: string): void
}

export function createCopiedBundle({ configuration, log }: CopiedBundleDeps): CopiedBundle {
  let isRunning = false
  let told: string | undefined

  async function write(caBundle: string): Promise<void> {
    try {
      const seen = await configuration.read()
      if (seen.entries.some((entry) => entry.caBundle !== caBundle)) await configuration.publish(seen, caBundle)
      told = undefined
    } catch (error) {
      if (!(error instanceof KubeError)) throw error
      // Not there: nobody wants the warnings. A conflict: another replica was faster.
      if (error.code === 'not-found' || error.code === 'conflict' || error.message === told) return
      told = error.message
      log.warn('caBundle not written: workloads get no warnings', { error: error.message })
    }
  }

  return {
    copy: (caBundle) => {
      if (isRunning) return
      isRunning = true
      void write(caBundle).finally(() => {
        isRunning = false
      })
    },
  }
}
