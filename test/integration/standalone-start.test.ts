import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { VERSION } from '../../proxy/src/contract.ts'
import type { KeyPair, TestAuthority } from '../support/certificates.ts'
import { createTestAuthority } from '../support/certificates.ts'
import type { RunningProcess } from '../support/process.ts'
import { startNode } from '../support/process.ts'
import { call, errorOf } from '../support/proxy/client.ts'
import { freePort } from '../support/port.ts'
import { proxyArguments } from '../support/proxy/process.ts'

/** Credentials that nobody checks: nothing here calls STS with success. */
const AWS = {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'example',
  AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1',
  AWS_EC2_METADATA_DISABLED: 'true',
}
const FREE_PORTS = { CONTROL_LISTEN_ADDR: '127.0.0.1:0' }
const PINNED = { UPSTREAM_HOST: 'api.partner.example', METRICS_LISTEN_ADDR: '127.0.0.1:0', ...FREE_PORTS, ...AWS }

describe('starting a standalone proxy', () => {
  const started: RunningProcess[] = []
  const run = (environment: Readonly<Record<string, string>>, ...flags: string[]): RunningProcess => {
    const program = startNode([...proxyArguments(), ...flags], environment)
    started.push(program)
    return program
  }
  afterEach(async () => {
    for (const program of started.splice(0)) {
      program.signal('SIGKILL')
      await program.exited
    }
  })
  const addressOf = async (program: RunningProcess): Promise<string> =>
    String((await program.logged('listening'))['proxy'])

  it('prints every flag with --help, and the version with --version', async () => {
    const help = run({}, '--help')
    expect(await help.exited).to.include({ status: 0 })
    expect(help.output()).to.contain('--upstream-host, UPSTREAM_HOST').and.to.contain('--token-audience')
    const version = run({}, '--version')
    expect(await version.exited).to.include({ status: 0 })
    expect(version.output()).to.equal(VERSION)
  })

  it('ends with 64 and every problem at once, those of flags by their name', async () => {
    const program = run(
      { UPSTREAM_SCHEME: 'http', TLS_CERT: '/tls/tls.crt', TOKEN_DURATION: '2h' },
      '--upstream-host=https://api.partner.example',
      'stray',
      '--no-such-flag',
      'its-value',
    )
    expect(await program.exited).to.include({ status: 64 })
    const lines = program.output().split('\n').slice(1)
    const names = lines.map((line) => line.trim().split(':', 1)[0])
    expect(names).to.have.members([
      'argument 2',
      '--no-such-flag',
      '--upstream-host',
      'UPSTREAM_SCHEME',
      'TLS_KEY',
      'TOKEN_DURATION',
    ])
    expect(program.output()).to.contain('ALLOW_PLAINTEXT_UPSTREAM=true')
  })

  it('ends with 64 when hosts are to be named but none is listed', async () => {
    const program = run({ HOST_HEADER: 'X-Target' })
    expect(await program.exited).to.include({ status: 64 })
    expect(program.output()).to.match(/HOST_HEADER: got "X-Target", expected UPSTREAM_HOST .* or ALLOWED_HOSTS /)
  })

  it('ends with 64 when the certificate cannot be read', async () => {
    const program = run({ ...PINNED, TLS_CERT: '/nowhere/tls.crt', TLS_KEY: '/nowhere/tls.key' })
    expect(await program.exited).to.include({ status: 64 })
    expect(program.output()).to.contain('TLS_CERT: got "/nowhere/tls.crt", expected a readable PEM file (ENOENT)')
  })

  it('warns that any host may have a token when * is listed', async () => {
    const program = run({
      ...AWS,
      ...FREE_PORTS,
      ALLOWED_HOSTS: '*',
      LISTEN_ADDR: '127.0.0.1:0',
      METRICS_LISTEN_ADDR: '127.0.0.1:0',
    })
    const line = await program.logged('whoever reaches this listener can have a token sent to any host')
    expect(line).to.include({ level: 'warn' })
  })

  it('starts without any configuration, warns once, and refuses origin form with a hint', async () => {
    const program = run({ ...AWS, ...FREE_PORTS, LISTEN_ADDR: '127.0.0.1:0', ADMIN_LISTEN_ADDR: '127.0.0.1:0' })
    const port = Number((await addressOf(program)).split(':').at(-1))
    const answer = await call(port, '/orders')
    expect(answer.status).to.equal(400)
    expect(errorOf(answer)).to.include({ code: 'bad_request_target' })
    expect(answer.body).to.match(/UPSTREAM_HOST or ALLOWED_HOSTS/)
    expect(program.output().match(/no upstream is configured/g)).to.have.lengthOf(1)
  })

  it('does not take itself for its egress proxy, or for a host, by any address of this machine', async () => {
    const port = await freePort()
    const own = Object.values(networkInterfaces()).flatMap((all = []) =>
      all.filter(({ family, internal }) => family === 'IPv4' && !internal),
    )
    for (const { address } of own) {
      const listening = { LISTEN_ADDR: `0.0.0.0:${port}`, ADMIN_LISTEN_ADDR: '127.0.0.1:0' }
      const program = run({ ...AWS, ...FREE_PORTS, ...listening, EGRESS_PROXY: `http://${address}:${port}` })
      await addressOf(program)
      const answer = await call(port, 'http://other.example/')
      expect(errorOf(answer).code, address).to.equal('egress_proxy_unreachable')
      expect(errorOf(answer).message).to.include('never connected to')
      expect(errorOf(await call(port, `http://${address}:${port}/`)).code, address).to.equal('address_denied')
      program.signal('SIGKILL')
      await program.exited
    }
  })

  describe('with TLS_CERT and TLS_KEY', () => {
    let directory: string
    let authority: TestAuthority
    before(async () => {
      directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-listener-'))
      authority = await createTestAuthority()
    })
    after(() => rmSync(directory, { recursive: true }))

    function write({ cert, key }: KeyPair): void {
      for (const [name, content] of Object.entries({ 'tls.crt': cert, 'tls.key': key })) {
        writeFileSync(join(directory, `new-${name}`), content)
        renameSync(join(directory, `new-${name}`), join(directory, name))
      }
    }
    const served = async (address: string): Promise<string> => {
      const [host = '', port] = address.split(':')
      const socket = connect({ host, port: Number(port), servername: 'proxy.example', ca: authority.ca })
      await once(socket, 'secureConnect')
      const { subjectaltname = '' } = socket.getPeerCertificate()
      socket.destroy()
      return subjectaltname
    }

    it('serves TLS, and a renewed certificate without a restart', async () => {
      write(await authority.issue(['proxy.example', 'first.example']))
      const tls = { TLS_CERT: join(directory, 'tls.crt'), TLS_KEY: join(directory, 'tls.key') }
      const program = run({ ...PINNED, ...tls, LISTEN_ADDR: '127.0.0.1:0' })
      const address = await addressOf(program)
      expect(await served(address)).to.contain('first.example')
      write(await authority.issue(['proxy.example', 'second.example']))
      await program.logged('certificate in use')
      expect(await served(address)).to.contain('second.example')
    })
  })
})
