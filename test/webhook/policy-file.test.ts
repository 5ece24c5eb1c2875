import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { SettingsError, createLogger, createMetrics } from '../../proxy/src/runtime/index.ts'
import { METRICS } from '../../webhook/src/metrics.ts'
import type { PolicyFile } from '../../webhook/src/policy-file.ts'
import { startPolicyFile } from '../../webhook/src/policy-file.ts'
import type { Capture } from '../support/capture.ts'
import { captureStream } from '../support/capture.ts'
import { until } from '../support/until.ts'

const ONE = 'rules: [{name: a, namespaces: [shop], hosts: [a.example]}]'
const TWO = 'rules: [{name: a, namespaces: [shop]}, {name: b, namespaces: [shop]}]'

describe('the file of a policy', () => {
  let file: string | undefined
  let log: Capture
  let policy: PolicyFile | undefined
  let metrics: ReturnType<typeof createMetrics<typeof METRICS>>

  beforeEach(() => {
    file = ONE
    log = captureStream()
    metrics = createMetrics(METRICS)
  })
  afterEach(() => policy?.stop())

  function start(path = '/policy/policy.yaml'): PolicyFile | undefined {
    policy = startPolicyFile({
      path,
      read: () => file ?? raise(Object.assign(new Error('gone'), { code: 'ENOENT' })),
      pollMs: 5,
      log: createLogger({ level: 'info', format: 'json', stream: log.stream }),
      instruments: metrics.instruments,
    })
    return policy
  }
  const logged = (text: string): Promise<void> => until(`a line with ${text}`, () => log.text().includes(text))
  const series = async (): Promise<readonly string[]> =>
    (await metrics.render()).body.split('\n').filter((line) => /^outbound_jwt_policy/.test(line))

  it('is none without a path, and then has no series', async () => {
    expect(start('')).to.equal(undefined)
    expect(await series()).to.deep.equal([])
  })

  it('is followed when it changes, without a restart', async () => {
    start()
    expect(policy?.current().rules).to.equal(1)
    file = TWO
    await until('the new policy', () => policy?.current().rules === 2)
    expect(await series()).to.deep.equal(['outbound_jwt_policy_rules 2', 'outbound_jwt_policy_current 1'])
    await logged('"rules":2')
  })

  it('leaves the last good policy in force when it is broken, empty or gone, and says so once', async () => {
    start()
    for (const [broken, said] of [
      ['rules: [{name: a, namespaces: [shop], host: [a.example]}]', 'rules[0].host'],
      ['', 'at least one rule'],
      [undefined, 'ENOENT'],
    ] as const) {
      file = broken
      await logged(said)
      expect(policy?.current().rules, said).to.equal(1)
      expect(await series(), said).to.deep.equal(['outbound_jwt_policy_rules 1', 'outbound_jwt_policy_current 0'])
    }
    file = ONE
    await logged('policy is the last good one again')
    expect(await series()).to.deep.equal(['outbound_jwt_policy_rules 1', 'outbound_jwt_policy_current 1'])
    expect(log.text().match(/cannot be used/g)).to.have.lengthOf(3)
  })

  it('that is broken from the start ends the start', () => {
    for (const broken of ['rules: []', undefined]) {
      file = broken
      expect(() => start()).to.throw(SettingsError, '/policy/policy.yaml')
    }
  })
})

function raise(error: Error): never {
  throw error
}
