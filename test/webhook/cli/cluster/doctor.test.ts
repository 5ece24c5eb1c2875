import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Outcome } from '../../../../webhook/src/cli/outcome.ts'
import { run } from '../../../../webhook/src/cli/run.ts'
import { KubeError } from '../../../../webhook/src/kube/failure.ts'
import type { FakeCluster } from '../../../support/cli/cluster.ts'
import { fakeCluster } from '../../../support/cli/cluster.ts'
import { NOWHERE } from '../../../support/cli/files.ts'

const POD = { spec: { containers: [{ name: 'orders' }], initContainers: [{ name: 'aws-outbound-jwt-proxy' }] } }
const PATH = '/api/v1/namespaces/default/pods/orders-1'

const doctor = async (cluster: FakeCluster, ...args: readonly string[]): Promise<Outcome> =>
  run(['doctor', 'orders-1', ...args], { ...NOWHERE, cluster: () => Promise.resolve(cluster) })

describe('doctor of the command line', () => {
  it('runs the one in the sidecar, and passes on what it prints', async () => {
    const answers = { [PATH]: POD, '/api/v1/namespaces/shop/pods/orders-1': POD }
    const cluster = fakeCluster(answers, { status: 1, stdout: 'FAIL  region\n', stderr: '' })
    expect(await doctor(cluster)).to.deep.equal({ status: 1, stdout: 'FAIL  region\n', stderr: '' })
    await doctor(cluster, '-n', 'shop', '-c', 'orders', '-o', 'json')
    const command = ['/nodejs/bin/node', '/app/doctor.mjs']
    expect(cluster.seen).to.deep.equal([
      { namespace: 'default', pod: 'orders-1', container: 'aws-outbound-jwt-proxy', command },
      { namespace: 'shop', pod: 'orders-1', container: 'orders', command: [...command, '--json'] },
    ])
  })

  it('shows what another program under the name of the sidecar prints as text, so that no terminal obeys it', async () => {
    const printed = { status: 0, stdout: 'pass\u001b[2J\n\u009bm\n', stderr: '\u001b]0;x\u0007\n' }
    const { stdout, stderr } = await doctor(fakeCluster({ [PATH]: POD }, printed))
    expect(stdout).to.equal('pass\\u001b[2J\n\\u009bm\n')
    expect(stderr).to.equal('\\u001b]0;x\\u0007\n')
  })

  it('shows what an API server says as text', async () => {
    const cluster = fakeCluster({ [PATH]: new KubeError('unavailable', 'no\u001b[2J\nsecond line') })
    expect((await doctor(cluster)).stderr).to.equal('outbound-jwt: no\\u001b[2J\nsecond line\n')
  })

  it('takes the name of a pod as kubectl prints it', async () => {
    const cluster = fakeCluster({ [PATH]: POD }, { status: 0, stdout: '', stderr: '' })
    const { status } = await run(['doctor', 'pod/orders-1'], { ...NOWHERE, cluster: () => Promise.resolve(cluster) })
    expect(status).to.equal(0)
  })

  it('says that there is no such pod, or no sidecar in it', async () => {
    expect(await doctor(fakeCluster({}))).to.deep.equal({
      status: 69,
      stdout: '',
      stderr: 'outbound-jwt: namespace default has no pod orders-1; -n names another namespace\n',
    })
    const { stderr } = await doctor(fakeCluster({ [PATH]: { spec: { containers: [{ name: 'orders' }] } } }))
    expect(stderr).to.equal(
      'outbound-jwt: pod default/orders-1 has no container aws-outbound-jwt-proxy; it has orders\n',
    )
  })

  it('quotes what it is called with on one line', async () => {
    const forged = 'a\nb\u001b[2J'
    const world = (cluster: FakeCluster): typeof NOWHERE => ({ ...NOWHERE, cluster: () => Promise.resolve(cluster) })
    for (const [cluster, ...args] of [
      [fakeCluster({}), forged],
      [fakeCluster({}), 'orders-1', '-n', forged],
      [fakeCluster({ [PATH]: POD }), 'orders-1', '-c', forged],
    ] as const)
      expect((await run(['doctor', ...args], world(cluster))).stderr).to.match(/^outbound-jwt: [\x20-\x7e]+\n$/)
  })

  it('tries all the same where pods may not be read', async () => {
    const cluster = fakeCluster({ [PATH]: new KubeError('forbidden', 'no right') })
    expect(await doctor(cluster)).to.include({ status: 0 })
  })

  it('names the right that is missing, and where it is explained', async () => {
    const lacks = 'get and create pods/exec in namespace default'
    const cluster = {
      ...fakeCluster({ [PATH]: POD }),
      exec: () => Promise.reject(new KubeError('forbidden', 'no', lacks)),
    }
    expect(await doctor(cluster)).to.deep.equal({
      status: 69,
      stdout: '',
      stderr: `outbound-jwt: no
  fix: Ask an administrator of the cluster for the right to ${lacks}.
  see https://github.com/aws-outbound-jwt-injector/aws-outbound-jwt-injector/blob/main/docs/cli.md#rights
`,
    })
  })

  it('ends with 69 when the sidecar does not answer', async () => {
    const cluster = fakeCluster({ [PATH]: POD }, { status: 2, stdout: '', stderr: 'the proxy does not answer\n' })
    expect(await doctor(cluster)).to.include({ status: 69 })
  })
})
