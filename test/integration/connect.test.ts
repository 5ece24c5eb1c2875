import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { read } from '../support/proxy/client.ts'
import { connectThrough, readAll } from '../support/proxy/tunnel.ts'
import { startRawUpstream } from '../support/proxy/upstream.ts'
import type { Upstream } from '../support/proxy/upstream.ts'
import { PARTNER_HOST, startStack } from '../support/stack/stack.ts'
import type { Stack } from '../support/stack/stack.ts'

describe('CONNECT to the shipped proxy', () => {
  let stack: Stack
  let echo: Upstream
  before(async () => {
    stack = await startStack({ environment: { SHUTDOWN_TIMEOUT: '2s' } })
    echo = await startRawUpstream((socket) => socket.pipe(socket))
  })
  after(async () => {
    await stack.close()
    await echo.close()
  })
  const tunnel = async (authority: string): Promise<Socket> => {
    const { status, socket } = await connectThrough(stack.proxyPort, authority)
    expect(status).to.equal(200)
    return socket
  }

  it('serves plain HTTP inside with a token that the partner verifies', async () => {
    const socket = await tunnel(`${PARTNER_HOST}:80`)
    const outgoing = request({ createConnection: () => socket, host: PARTNER_HOST, path: '/orders' })
    outgoing.end()
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    expect((await read(incoming)).status).to.equal(200)
    socket.destroy()
  })

  it('refuses TLS to the partner with the URL to use', async () => {
    const answer = await connectThrough(stack.proxyPort, `${PARTNER_HOST}:${stack.partner.port}`)
    expect(answer).to.include({ status: 403 })
    expect(answer.reason).to.include(`Call http://${PARTNER_HOST}/ instead`)
    expect(await stack.metric('outbound_jwt_connects_total{result="use_http_url"}')).to.equal(1)
  })

  it('lets a tunnel go on after SIGTERM, cuts it at the deadline, and ends with 0', async () => {
    const socket = await tunnel(`127.0.0.1:${echo.port}`)
    stack.proxy().signal('SIGTERM')
    await stack.proxy().logged('draining')
    socket.write('still there')
    expect(String((await once(socket, 'data'))[0])).to.equal('still there')
    await readAll(socket)
    expect(await stack.proxy().exited).to.deep.equal({ status: 0, signal: null })
    expect(await stack.proxy().logged('tunnels cut at the end of the drain')).to.include({ count: 1 })
    expect(stack.proxy().output()).not.to.match(/eyJ/)
    socket.destroy()
  })
})
