import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { createLogger, createMetrics } from '../../../proxy/src/runtime/index.ts'
import { startSelf } from '../../../webhook/src/certificates/self.ts'
import type { CertificateMode } from '../../../webhook/src/certificates/serving.ts'
import { createServing } from '../../../webhook/src/certificates/serving.ts'
import { KubeError } from '../../../webhook/src/kube/failure.ts'
import { METRICS } from '../../../webhook/src/metrics.ts'
import { captureStream } from '../../support/capture.ts'
import type { FakeApi } from '../../support/rotation/api.ts'
import { createFakeApi, resourcesOf } from '../../support/rotation/api.ts'
import { until } from '../../support/until.ts'

describe('mode self', () => {
  let mode: CertificateMode | undefined
  afterEach(() => mode?.stop())

  it('is not ready, and not trusted, while the registration is gone, and is again when it is back', async () => {
    const api = createFakeApi()
    const { secret, configuration } = resourcesOf(api)
    const warnings = createFakeApi(['workloads.outbound-jwt.io'])
    let isGone = false
    const { instruments, render } = createMetrics(METRICS)
    const log = createLogger({ level: 'info', format: 'json', stream: captureStream().stream })
    mode = startSelf({
      secret,
      configuration: {
        ...configuration,
        read: () => (isGone ? Promise.reject(new KubeError('not-found', 'gone')) : configuration.read()),
        watch: () => ({ stop: () => undefined }),
      },
      warnings: resourcesOf(warnings).configuration,
      hosts: ['webhook.system.svc'],
      lifetimes: { lifetimeMs: 3_600_000, publicationDelayMs: 100 },
      serving: createServing({ install: () => undefined, log, instruments }),
      clock: { now: Date.now, elapsed: () => performance.now() },
      random: () => 0,
      log,
      instruments,
    })
    const trusted = async (value: 0 | 1): Promise<boolean> =>
      (await render()).body.includes(`outbound_jwt_certificate_trusted ${value}\n`)
    await until('it is trusted', () => trusted(1))
    expect(mode.notReadyReason()).to.equal(undefined)
    const bundleOf = ({ configuration: { entries } = { resourceVersion: '', entries: [] } }: FakeApi): string =>
      entries.map(({ caBundle }) => caBundle).join()
    await until('the warnings have the same caBundle', () => bundleOf(warnings) === bundleOf(api))
    isGone = true
    await until('it is not trusted', () => trusted(0))
    expect(mode.notReadyReason()).to.include('no certificate that caBundle trusts')
    isGone = false
    await until('it is trusted again', () => trusted(1))
    expect(mode.notReadyReason()).to.equal(undefined)
  })
})
