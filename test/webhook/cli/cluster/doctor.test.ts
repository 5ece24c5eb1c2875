import { expect } from 'chai'
import { describe, it } from 'mocha'
import { run } from '../../../../webhook/src/cli/run.ts'
import { fakeCluster } from '../../../support/cli/cluster.ts'
import { NOWHERE } from '../../../support/cli/files.ts'

describe('doctor of the command line', () => {
  it('runs the one in the sidecar, and passes on what it prints', async () => {
    const cluster = fakeCluster({}, { status: 1, stdout: 'FAIL  region\n', stderr: '' })
    const world = { ...NOWHERE, cluster: () => Promise.resolve(cluster) }
    expect(await run(['doctor', 'orders-1'], world)).to.deep.equal({ status: 1, stdout: 'FAIL  region\n', stderr: '' })
    await run(['doctor', 'orders-1', '-n', 'shop', '-c', 'other', '-o', 'json'], world)
    const command = ['/nodejs/bin/node', '/app/doctor.mjs']
    expect(cluster.seen).to.deep.equal([
      { namespace: 'default', pod: 'orders-1', container: 'aws-outbound-jwt-proxy', command },
      { namespace: 'shop', pod: 'orders-1', container: 'other', command: [...command, '--json'] },
    ])
  })

  it('ends with 69 when the sidecar does not answer', async () => {
    const cluster = fakeCluster({}, { status: 2, stdout: '', stderr: 'the proxy does not answer\n' })
    expect(await run(['doctor', 'a'], { ...NOWHERE, cluster: () => Promise.resolve(cluster) })).to.include({
      status: 69,
    })
  })
})
