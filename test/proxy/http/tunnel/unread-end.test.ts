import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { writeChunk } from '../../../../proxy/src/http/tunnel/chunk.ts'
import { Tunnels } from '../../../../proxy/src/http/tunnel/tunnel.ts'
import type { UnreadBook } from '../../../../proxy/src/http/unread.ts'
import { until } from '../../../support/until.ts'

const MIB = 1 << 20
/** For all that is sent, so that nothing ever waits for it. Node's types do not know the option. */
const ROOM = { highWaterMark: 64 * MIB }

/** @returns both ends of a connection. */
async function pair(): Promise<readonly [Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const near = connect({ ...ROOM, port, host: '127.0.0.1', allowHalfOpen: true })
  const [far] = (await once(server, 'connection')) as [Socket]
  server.close()
  return [near, far]
}

describe('the end of one direction of a tunnel', () => {
  it('counts as unread until it was read, and no longer', async () => {
    const happened: string[] = []
    const tunnels = new Tunnels({
      idleMs: 60_000,
      now: () => 0,
      write: writeChunk,
      unread: { begin: () => happened.push('begin'), end: () => happened.push('end') } as unknown as UnreadBook,
      observer: { tunnelOpened: () => undefined, tunnelClosed: () => undefined, tunnelLetGo: () => undefined },
    })
    const [client, application] = await pair()
    const [upstream, partner] = await pair()
    tunnels.join({ mode: 'blind', client, upstream, host: '' })
    application.end(Buffer.alloc(16 * MIB))
    await until('the end has come', () => happened.length > 0)
    expect(happened).to.deep.equal(['begin'])
    partner.resume()
    await once(partner, 'end')
    await until('nothing is unread', () => happened.length > 1)
    expect([happened, client.closed, upstream.closed]).to.deep.equal([['begin', 'end'], false, false])
    tunnels.destroy()
    application.destroy()
    partner.destroy()
  })
})
