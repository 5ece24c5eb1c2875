import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { SettingsError } from '../../../proxy/src/runtime/index.ts'
import { listenSteered } from '../../../proxy/src/steering/listen.ts'
import { freePort } from '../../support/port.ts'

/** A server whose `listen` fails on one address. */
function failing(host: string, code: string): Server {
  const server = createServer()
  const listen = server.listen.bind(server) as (...args: unknown[]) => Server
  server.listen = ((port: number, name: string) => {
    if (name === host) process.nextTick(() => server.emit('error', Object.assign(new Error(code), { code })))
    else listen(port, name)
    return server
  }) as Server['listen']
  return server
}

describe('listening where the names of partners lead', () => {
  const servers: Server[] = []
  afterEach(async () => {
    for (const server of servers.splice(0).filter(({ listening }) => listening)) {
      server.close()
      await once(server, 'close')
    }
  })
  const keep = (server: Server): Server => {
    servers.push(server)
    return server
  }
  const failureOf = async (ports: readonly number[], create: () => Server): Promise<unknown> =>
    listenSteered(ports, () => keep(create())).catch((error: unknown) => error)

  it('opens each port on both loopback addresses and on no other', async () => {
    const ports = [await freePort(), await freePort()]
    const opened = await listenSteered(ports, () => keep(createServer()))
    expect(opened).to.deep.equal(
      ports.flatMap((port) => [
        { host: '127.0.0.1', port },
        { host: '::1', port },
      ]),
    )
  })

  for (const code of ['EADDRNOTAVAIL', 'EAFNOSUPPORT'])
    it(`does without ::1 where there is no IPv6 (${code})`, async () => {
      const port = await freePort()
      const opened = await listenSteered([port], () => keep(failing('::1', code)))
      expect(opened).to.deep.equal([{ host: '127.0.0.1', port }])
    })

  it('says on one line that a port is taken, and that a declared containerPort is told earlier', async () => {
    const other = keep(createServer().listen(0, '127.0.0.1'))
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const error = await failureOf([port], createServer)
    expect(error).to.be.instanceOf(SettingsError)
    const [, line = '', ...others] = (error as Error).message.split('\n')
    expect(line).to.include(`STEERED_PORTS: got "${port}"`).and.include('taken').and.include('containerPort')
    expect(others).to.be.empty
  })

  it('says which sysctl the pod lacks when it may not open a port', async () => {
    const error = await failureOf([80], () => failing('127.0.0.1', 'EACCES'))
    expect(error).to.be.instanceOf(SettingsError)
    expect(String(error)).to.include('STEERED_PORTS: got "80"').and.include('ip_unprivileged_port_start=0')
  })

  it('leaves every other failure to whoever reads the log', async () => {
    expect(await failureOf([80], () => failing('127.0.0.1', 'EMFILE'))).to.have.property('code', 'EMFILE')
    expect(await failureOf([80], () => failing('127.0.0.1', 'EADDRNOTAVAIL'))).to.have.property('code', 'EADDRNOTAVAIL')
  })
})
