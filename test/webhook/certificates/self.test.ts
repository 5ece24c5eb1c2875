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

type Resources = ReturnType<typeof resourcesOf>

describe('mode self', () => {
  let mode: CertificateMode | undefined
  afterEach(() => mode?.stop())

  it('is not ready, and not trusted, while the registration is gone, and is again when it is back', async () => {
    const api = createFakeApi()
    const { configuration } = resourcesOf(api)
    const warnings = createFakeApi(['workloads.outbound-jwt.io'])
    let isGone = false
    const { started, trusted } = start(api, warnings, {
      read: () => (isGone ? Promise.reject(new KubeError('not-found', 'gone')) : configuration.read()),
    })
    await until('it is trusted', () => trusted(1))
    expect(started.notReadyReason()).to.equal(undefined)
    const bundleOf = ({ configuration: { entries } = { resourceVersion: '', entries: [] } }: FakeApi): string =>
      entries.map(({ caBundle }) => caBundle).join()
    await until('the warnings have the same caBundle', () => bundleOf(warnings) === bundleOf(api))
    isGone = true
    await until('it is not trusted', () => trusted(0))
    expect(started.notReadyReason()).to.include('no certificate that caBundle trusts')
    isGone = false
    await until('it is trusted again', () => trusted(1))
    expect(started.notReadyReason()).to.equal(undefined)
  })

  it('is not ready, and not trusted, while somebody empties caBundle as often as it is written', async () => {
    const api = createFakeApi()
    const { configuration } = resourcesOf(api)
    let isEmptied = false
    /** How ready it was whenever it had written and looked again. */
    const reasons: (string | undefined)[] = []
    const { started, trusted } = start(api, createFakeApi(), {
      read: () => {
        if (isEmptied) reasons.push(started.notReadyReason())
        return configuration.read()
      },
      publish: async (seen, bundle) => {
        const written = await configuration.publish(seen, bundle)
        if (!isEmptied) return written
        api.editBundle('')
        return { ...written, ...api.configuration }
      },
    })
    await until('it is trusted', () => trusted(1))
    api.editBundle('')
    isEmptied = true
    await until('it has written more than once', () => reasons.length > 2)
    for (const reason of reasons.slice(1)) expect(reason).to.include('no certificate that caBundle trusts')
    isEmptied = false
    await until('it is trusted again', () => trusted(1))
  })

  function start(
    api: FakeApi,
    warnings: FakeApi,
    changed: Partial<Resources['configuration']>,
  ): { readonly started: CertificateMode; trusted(value: 0 | 1): Promise<boolean> } {
    const { secret, configuration } = resourcesOf(api)
    const { instruments, render } = createMetrics(METRICS)
    const log = createLogger({ level: 'info', format: 'json', stream: captureStream().stream })
    const started = startSelf({
      secret,
      configuration: { ...configuration, watch: () => ({ stop: () => undefined }), ...changed },
      warnings: resourcesOf(warnings).configuration,
      hosts: ['webhook.system.svc'],
      lifetimes: { lifetimeMs: 3_600_000, publicationDelayMs: 100 },
      serving: createServing({ install: () => undefined, log, instruments }),
      clock: { now: Date.now, elapsed: () => performance.now() },
      random: () => 0,
      log,
      instruments,
    })
    mode = started
    return {
      started,
      trusted: async (value) => (await render()).body.includes(`outbound_jwt_certificate_trusted ${value}\n`),
    }
  }
})
