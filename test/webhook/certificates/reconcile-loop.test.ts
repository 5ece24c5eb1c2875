import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createLogger, createMetrics } from '../../../proxy/src/runtime/index.ts'
import type { ReconcilerState } from '../../../webhook/src/certificates/reconciler.ts'
import type { ReconcileLoop } from '../../../webhook/src/certificates/reconcile-loop.ts'
import { startReconcileLoop } from '../../../webhook/src/certificates/reconcile-loop.ts'
import { CertificateProblem, createProblemReporter } from '../../../webhook/src/certificates/problems.ts'
import { KubeError } from '../../../webhook/src/kube/failure.ts'
import { METRICS } from '../../../webhook/src/metrics.ts'
import type { Capture } from '../../support/capture.ts'
import { captureStream } from '../../support/capture.ts'
import { until } from '../../support/until.ts'

const STATE: ReconcilerState = { served: undefined, trusted: false, caBundle: '' }

describe('loop around the reconciler', () => {
  let loop: ReconcileLoop
  let log: Capture
  let looks: number
  let states: number
  let outcome: () => Promise<ReconcilerState>
  let metrics: ReturnType<typeof createMetrics<typeof METRICS>>

  beforeEach(() => {
    log = captureStream()
    looks = 0
    states = 0
    outcome = () => Promise.resolve(STATE)
    metrics = createMetrics(METRICS)
  })
  afterEach(() => loop.stop())

  function start(tickMs: number): void {
    loop = startReconcileLoop({
      reconciler: {
        reconcile: () => {
          looks += 1
          return outcome()
        },
      },
      onState: () => {
        states += 1
      },
      problems: createProblemReporter({
        log: createLogger({ level: 'info', format: 'json', stream: log.stream }),
        instruments: metrics.instruments,
      }),
      tickMs,
      random: () => 0,
    })
  }
  const looked = (times: number): Promise<void> => until(`${times} looks`, () => looks >= times)
  const lines = (text: string): number =>
    log
      .text()
      .split('\n')
      .filter((line) => line.includes(text)).length

  it('looks at once, and again after every tick', async () => {
    start(10)
    await looked(4)
    expect(states).to.be.at.least(3)
  })

  it('looks when it is triggered, once for any number of triggers during a look, never twice at once', async () => {
    const gate = Promise.withResolvers<ReconcilerState>()
    outcome = () => gate.promise
    start(60_000)
    loop.trigger()
    loop.trigger()
    await delay(20)
    expect(looks).to.equal(1)
    gate.resolve(STATE)
    await looked(2)
    await delay(20)
    expect(looks).to.equal(2)
    loop.trigger()
    await looked(3)
  })

  it('takes another turn after a lost race, without a word', async () => {
    outcome = () => (looks < 3 ? Promise.reject(new KubeError('conflict', 'faster')) : Promise.resolve(STATE))
    start(60_000)
    await looked(3)
    await until('a state', () => states === 1)
    expect(log.text()).to.equal('')
  })

  it('writes one line for a problem however often it is met, counts every time, and says when it is over', async () => {
    outcome = () => Promise.reject(new CertificateProblem('secret-foreign', 'theirs'))
    start(20)
    await looked(4)
    expect(lines('"certificate problem"')).to.equal(1)
    outcome = () => Promise.reject(new KubeError('forbidden', 'cannot get'))
    await until('another line', () => lines('"problem":"forbidden"') === 1)
    outcome = () => Promise.resolve(STATE)
    await until('the end of it', () => lines('certificate problem is over') === 1)
    const { body } = await metrics.render()
    const count = Number(/problems_total\{problem="secret-foreign"\} (\d+)/.exec(body)?.[1])
    expect(count).to.be.at.least(4)
  })

  for (const [code, problem] of [
    ['not-found', 'configuration-missing'],
    ['unauthorized', 'unauthorized'],
    ['rejected', 'rejected'],
    ['unavailable', 'unavailable'],
  ] as const) {
    it(`reports ${code} of the API server as ${problem}`, async () => {
      outcome = () => Promise.reject(new KubeError(code, 'a message'))
      start(60_000)
      await until('a line', () => lines(`"problem":"${problem}"`) === 1)
    })
  }

  it('stops', async () => {
    start(5)
    await looked(2)
    loop.stop()
    const seen = looks
    await delay(30)
    expect(looks).to.be.at.most(seen + 1)
  })
})
