import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { argumentsHere, entrypoint } from '../support/image.ts'
import { createTestAuthority } from '../support/certificates.ts'
import { startNode } from '../support/process.ts'
import { proxyArguments } from '../support/proxy/process.ts'
import { observe } from '../support/proxy/upstream.ts'

const PROGRAMS = {
  proxy: {
    command: proxyArguments(),
    environment: {
      LISTEN_ADDR: '15400',
      UNMATCHED: 'allow',
      ROUTES: '[{"hosts":["10.0.0.1"]}]',
      LOG_LEVEL: 'loud',
      MAX_CONNECTIONS: 'many',
      AWS_ROLE_SESSION_NAME: 'orders-'.repeat(10),
    },
  },
  webhook: {
    command: argumentsHere(entrypoint('Dockerfile.webhook'), 'dist/webhook'),
    environment: { LISTEN_ADDR: '9443', CERTIFICATE_MODE: 'none', LOG_LEVEL: 'DEBUG', SIDECAR_EXTRA_ENV: '[]' },
  },
}

describe('wrong settings', () => {
  for (const [name, { command, environment }] of Object.entries(PROGRAMS)) {
    it(`end the ${name} with 64 and every problem at once`, async () => {
      const program = startNode(command, environment)
      expect(await program.exited).to.deep.equal({ status: 64, signal: null })
      const problems = program.output().split('\n').slice(1)
      for (const variable of Object.keys(environment)) {
        const problem = problems.find((line) => line.trim().startsWith(variable))
        expect(problem, `${variable} in\n${program.output()}`).to.match(/: got ".*", expected \S/)
      }
    })
  }

  it('end the proxy with 64 when a file they name cannot be read', async () => {
    const proxy = startNode(PROGRAMS.proxy.command, { UPSTREAM_CA_FILE: '/nowhere/ca.crt' })
    expect(await proxy.exited).to.include({ status: 64 })
    expect(proxy.output()).to.include('UPSTREAM_CA_FILE').and.to.include('/nowhere/ca.crt')
  })

  it('end the proxy with 64 when a route intercepts and its directories are unset or unusable', async () => {
    const ROUTES = '[{"hosts":["api.partner.example"],"https":"intercept"}]'
    const unset = startNode(PROGRAMS.proxy.command, { ROUTES })
    expect(await unset.exited).to.include({ status: 64 })
    expect(unset.output()).to.include('AUTHORITY_DIR').and.to.include('https: intercept')
    const missing = startNode(PROGRAMS.proxy.command, { ROUTES, AUTHORITY_DIR: '/nowhere', TRUST_DIR: '/nowhere' })
    expect(await missing.exited).to.include({ status: 64 })
    expect(missing.output()).to.include('/nowhere').and.to.include('does not exist')
  })

  const webhook = {
    CERTIFICATE_MODE: 'self',
    CERTIFICATE_HOSTS: 'localhost',
    POD_NAMESPACE: 'default',
    PROXY_IMAGE: 'registry.example/proxy:1',
  }
  const same: readonly (readonly [keyof typeof PROGRAMS, Record<string, string>, second: string, first: string])[] = [
    ['proxy', { LISTEN_ADDR: '127.0.0.1:15401' }, 'ADMIN_LISTEN_ADDR', 'LISTEN_ADDR'],
    ['proxy', { ADMIN_LISTEN_ADDR: ':15402' }, 'CONTROL_LISTEN_ADDR', 'ADMIN_LISTEN_ADDR'],
    ['proxy', { UPSTREAM_HOST: 'a.example', METRICS_LISTEN_ADDR: ':8080' }, 'METRICS_LISTEN_ADDR', 'LISTEN_ADDR'],
    ['webhook', { ...webhook, ADMIN_LISTEN_ADDR: '0.0.0.0:9443' }, 'ADMIN_LISTEN_ADDR', 'LISTEN_ADDR'],
  ]
  for (const [name, environment, second, first] of same)
    it(`end the ${name} with 64 when ${second} takes the port of ${first}`, async () => {
      const program = startNode(PROGRAMS[name].command, environment)
      expect(await program.exited).to.include({ status: 64 })
      expect(program.output()).to.match(new RegExp(`${second}: got "[^"]+", expected another address than ${first}`))
    })

  const certificate = { CERTIFICATE_MODE: 'secret', PROXY_IMAGE: 'registry.example/proxy:1' }
  for (const name of ['proxy', 'webhook'] as const)
    it(`end the ${name} with 64 and no stack when its port is taken`, async () => {
      const authority = await createTestAuthority()
      const pair = await authority.issue(['localhost'])
      const folder = mkdtempSync(join(tmpdir(), 'outbound-jwt-settings-'))
      const files = { TLS_CERT_FILE: join(folder, 'tls.crt'), TLS_KEY_FILE: join(folder, 'tls.key') }
      writeFileSync(files.TLS_CERT_FILE, pair.cert)
      writeFileSync(files.TLS_KEY_FILE, pair.key)
      const taken = await observe(createServer())
      const LISTEN_ADDR = `127.0.0.1:${taken.port}`
      const program = startNode(PROGRAMS[name].command, {
        LISTEN_ADDR,
        ADMIN_LISTEN_ADDR: '127.0.0.1:0',
        ...(name === 'proxy' ? { CONTROL_LISTEN_ADDR: '127.0.0.1:0' } : { ...certificate, ...files }),
      })
      const { status } = await program.exited
      await taken.close()
      rmSync(folder, { recursive: true })
      expect(status, program.output()).to.equal(64)
      expect(program.output()).to.include(
        `LISTEN_ADDR: got "${LISTEN_ADDR}", expected a port that nothing else listens on`,
      )
      expect(program.output()).not.to.include('    at ')
    })

  it('end the webhook with 64 when its certificate cannot be read', async () => {
    const webhook = startNode(PROGRAMS.webhook.command, {
      CERTIFICATE_MODE: 'secret',
      PROXY_IMAGE: 'registry.example/proxy:1',
      TLS_CERT_FILE: '/nowhere/tls.crt',
      TLS_KEY_FILE: '/nowhere/tls.key',
    })
    expect(await webhook.exited).to.include({ status: 64 })
    expect(webhook.output()).to.include('TLS_CERT_FILE').and.to.include('/nowhere/tls.crt')
  })
})
