import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { KubeConfig } from '@kubernetes/client-node'
import { describe, it } from 'mocha'
import { WebSocketServer } from 'ws'
import { LIMITS, clusterOf } from '../../../webhook/src/kube/cluster.ts'
import { KubeError } from '../../../webhook/src/kube/failure.ts'

describe('a command in a container', () => {
  const where = { namespace: 'shop', pod: 'orders', container: 'sidecar' }

  interface Execution {
    /** What the API server sends, each behind the number of its stream. */
    readonly frames: readonly (readonly [number, string])[]
    /** Whether it keeps the connection. */
    readonly staysOpen?: boolean
    readonly limits?: typeof LIMITS
  }

  async function execute({ frames, staysOpen = false, limits }: Execution): Promise<{ url: string; result: unknown }> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'v5.channel.k8s.io' })
    await once(server, 'listening')
    let url = ''
    const closed = Promise.withResolvers<undefined>()
    server.on('connection', (socket, request) => {
      url = request.url ?? ''
      socket.on('close', () => closed.resolve(undefined))
      for (const [stream, text] of frames) socket.send(Buffer.concat([Buffer.from([stream]), Buffer.from(text)]))
      if (!staysOpen) socket.close()
    })
    const config = new KubeConfig()
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    config.loadFromClusterAndUser({ name: 'a', server: address, skipTLSVerify: true }, { name: 'a' })
    try {
      const result = await clusterOf(config, limits)
        .exec(where, ['node', '--version'])
        .catch((error: unknown) => error)
      await closed.promise
      return { url, result }
    } finally {
      server.close()
    }
  }

  it('gives what it printed and its exit status', async () => {
    const { url, result } = await execute({
      frames: [
        [1, 'v2'],
        [1, '6\n'],
        [2, 'a warning\n'],
        [3, '{"status":"Success"}'],
      ],
    })
    expect(url).to.contain('/api/v1/namespaces/shop/pods/orders/exec?').and.to.contain('command=node&command=--version')
    expect(result).to.deep.equal({ status: 0, stdout: 'v26\n', stderr: 'a warning\n' })
    const ended = { status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: '2' }] } }
    expect((await execute({ frames: [[3, JSON.stringify(ended)]] })).result).to.include({ status: 2 })
  })

  it('fails when it did not run, or when the connection ended first', async () => {
    const missing = '{"status":"Failure","message":"container not found"}'
    expect((await execute({ frames: [[3, missing]] })).result)
      .to.have.property('message')
      .that.matches(/container not found$/)
    expect((await execute({ frames: [[1, 'half']] })).result)
      .to.have.property('message')
      .that.matches(/the connection ended before the command did$/)
  })

  it('fails when it prints more than is allowed, or does not end, and leaves no connection', async () => {
    const limits = { ...LIMITS, exec: { ms: 200, bytes: 1_000 } }
    const what = 'exec in container sidecar of pod shop/orders'
    const much = 'x'.repeat(600)
    for (const [frames, why] of [
      [
        [
          [1, much],
          [2, much],
        ],
        'the command printed more than 1000 bytes',
      ],
      [[[1, much]], 'the command did not end within 0.2 s'],
    ] as const)
      expect((await execute({ frames, staysOpen: true, limits })).result)
        .to.be.instanceOf(KubeError)
        .and.to.include({ message: `${what}: ${why}` })
  })
})
