import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createLogger, createMetrics } from '../../../proxy/src/runtime/index.ts'
import type { ReviewHandler } from '../../../webhook/src/admission/handler.ts'
import { createReviewHandler, createWorkloadHandler } from '../../../webhook/src/admission/handler.ts'
import { createLogObserver, createMetricsObserver } from '../../../webhook/src/admission/observers.ts'
import type { Decision, InjectionRequest } from '../../../webhook/src/injection/decide.ts'
import { METRICS } from '../../../webhook/src/metrics.ts'
import type { Capture } from '../../support/capture.ts'
import { captureStream } from '../../support/capture.ts'

const POD = { metadata: { name: 'orders-1', annotations: { note: 'nobody else reads this' } }, spec: {} }
const BODY = JSON.stringify({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { uid: 'u1', namespace: 'shop', operation: 'CREATE', object: POD },
})

interface Subject {
  readonly handle: ReviewHandler
  readonly asked: InjectionRequest[]
  readonly log: Capture
  metrics(): Promise<string>
}

function subject(decision: Decision): Subject {
  const asked: InjectionRequest[] = []
  const log = captureStream()
  const metrics = createMetrics(METRICS)
  let clock = 0
  const handle = createReviewHandler({
    inject: (request) => {
      asked.push(request)
      return decision
    },
    observers: [
      createMetricsObserver(metrics.instruments),
      createLogObserver(createLogger({ level: 'info', format: 'json', stream: log.stream })),
    ],
    now: () => (clock += 2),
  })
  return { handle, asked, log, metrics: async () => (await metrics.render()).body }
}

describe('review handler', () => {
  it('leaves another kind than a pod alone, without a look at it', () => {
    const { handle, asked } = subject({ kind: 'deny', reason: 'windows', problems: [] })
    const kind = { group: 'apps', version: 'v1', kind: 'Deployment' }
    const body = JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: { uid: 'u1', kind, operation: 'CREATE', object: {} },
    })
    expect(handle(body, 'pod'))
      .to.have.property('response')
      .that.deep.equals({ uid: 'u1', allowed: true, auditAnnotations: { decision: 'allow', reason: 'not-created' } })
    expect(asked).to.deep.equal([])
  })

  it('asks for a decision on the pod in the mode of the path, and answers with the uid', () => {
    const { handle, asked } = subject({ kind: 'allow', reason: 'unchanged', warnings: [] })
    expect(handle(BODY, 'namespace')).to.have.nested.property('response.uid', 'u1')
    expect(asked).to.deep.equal([{ pod: POD, mode: 'namespace', operation: 'CREATE', namespace: 'shop' }])
  })

  for (const [decision, level, message] of [
    [{ kind: 'inject', reason: 'injected', patch: [], warnings: [] }, 'info', 'patched'],
    [{ kind: 'repair', reason: 'repaired', patch: [], warnings: [] }, 'info', 'patched'],
    [{ kind: 'allow', reason: 'opted-out', warnings: [] }, 'info', 'left alone'],
    [
      { kind: 'deny', reason: 'windows', problems: [{ where: 'spec.os.name', value: 'windows', allowed: 'linux' }] },
      'warn',
      'refused',
    ],
  ] as const) {
    it(`logs and counts ${decision.reason} once, without the pod`, async () => {
      const { handle, log, metrics } = subject(decision)
      handle(BODY, 'pod')
      const lines = log.text().trim().split('\n')
      expect(lines).to.have.lengthOf(1)
      expect(JSON.parse(lines[0] ?? '')).to.include({
        level,
        msg: message,
        uid: 'u1',
        namespace: 'shop',
        pod: 'orders-1',
        decision: decision.kind,
        reason: decision.reason,
      })
      expect(log.text()).not.to.include('nobody else reads this')
      const text = await metrics()
      expect(text).to.include(
        `outbound_jwt_admission_decisions_total{decision="${decision.kind}",reason="${decision.reason}"} 1`,
      )
      expect(text).to.include(`http_server_request_duration_seconds_sum{decision="${decision.kind}"} 0.002`)
    })
  }

  it('says every reason for a refusal in the log', () => {
    const problem = { where: 'outbound-jwt.io/hosts', value: '10.0.0.1', allowed: 'a host name' }
    const { handle, log } = subject({ kind: 'deny', reason: 'invalid-annotation', problems: [problem] })
    handle(BODY, 'pod')
    expect(log.text()).to.include('outbound-jwt.io/hosts').and.to.include('10.0.0.1')
  })
})

describe('review handler of workloads', () => {
  const kind = { group: 'apps', version: 'v1', kind: 'Deployment' }
  const review = (operation: string, object: unknown): string =>
    JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: { uid: 'u1', kind, namespace: 'shop', operation, object },
    })

  it('lets everything through as it is, with the warnings, and without a line in the log', async () => {
    const log = captureStream()
    const metrics = createMetrics(METRICS)
    const asked: unknown[] = []
    const handle = createWorkloadHandler({
      warn: (request) => {
        asked.push(request)
        return ['write it elsewhere']
      },
      observers: [
        createMetricsObserver(metrics.instruments),
        createLogObserver(createLogger({ level: 'info', format: 'json', stream: log.stream })),
      ],
      now: () => 0,
    })
    const object = { kind: 'Deployment', metadata: { name: 'orders' } }
    for (const operation of ['CREATE', 'UPDATE'])
      expect(handle(review(operation, object), 'namespace'))
        .to.have.property('response')
        .that.deep.equals({
          uid: 'u1',
          allowed: true,
          auditAnnotations: { decision: 'allow', reason: 'workload' },
          warnings: ['write it elsewhere'],
        })
    expect(asked[0]).to.deep.equal({ workload: object, mode: 'namespace', namespace: 'shop' })
    expect(log.text()).to.equal('')
    expect((await metrics.render()).body).to.include('decisions_total{decision="allow",reason="workload"} 2')
  })
})
