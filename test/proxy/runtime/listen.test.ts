import { EventEmitter } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { listen } from '../../../proxy/src/runtime/index.ts'

describe('listening', () => {
  it('tells the port it was given', async () => {
    const server = createServer()
    const { host, port } = await listen(server, { host: '127.0.0.1', port: 0 })
    expect({ host, port }).to.deep.equal({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
    server.close()
  })

  it('falls back to IPv4 where IPv6 is switched off', async () => {
    const asked: unknown[] = []
    expect(await listen(withoutIpv6(asked), { host: '::', port: 9443 })).to.deep.equal({ host: '0.0.0.0', port: 9443 })
    expect(asked).to.deep.equal(['::', '0.0.0.0'])
  })

  it('replaces no other address', async () => {
    const refusal = await listen(withoutIpv6([]), { host: '::1', port: 9443 }).catch(String)
    expect(refusal).to.include('EAFNOSUPPORT')
  })
})

/** A server of a node whose kernel has no IPv6. */
function withoutIpv6(asked: unknown[]): Server {
  const server = new EventEmitter()
  const ipv4 = (_port: number, host: string): void => {
    asked.push(host)
    const refused = Object.assign(new Error('listen EAFNOSUPPORT'), { code: 'EAFNOSUPPORT' })
    setImmediate(() => (host.includes(':') ? server.emit('error', refused) : server.emit('listening')))
  }
  return Object.assign(server, {
    listen: ipv4,
    address: () => ({ address: '0.0.0.0', port: 9443 }),
  }) as unknown as Server
}
