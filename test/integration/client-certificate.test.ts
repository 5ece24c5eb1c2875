import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { Report } from '../../proxy/src/doctor/report.ts'
import { createTestAuthority } from '../support/certificates.ts'
import type { KeyPair, TestAuthority } from '../support/certificates.ts'
import { call } from '../support/proxy/client.ts'
import { startProxyProcess } from '../support/proxy/process.ts'
import type { Stack } from '../support/stack/stack.ts'
import { PARTNER_HOST, startStack } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'

const DAY_MS = 86_400_000

describe('a client certificate in the shipped proxy', () => {
  let directory: string
  let authority: TestAuthority
  let stack: Stack
  const mount = ({ cert, key }: KeyPair): void => {
    writeFileSync(join(directory, 'tls.crt'), cert)
    writeFileSync(join(directory, 'tls.key'), key)
  }
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-client-'))
    authority = await createTestAuthority('clients')
    mount(await authority.issue(['orders'], { notAfter: new Date(Date.now() + 30.5 * DAY_MS) }))
    stack = await startStack({ route: { clientCertificateDir: directory } })
  })
  after(async () => {
    await stack.close()
    rmSync(directory, { recursive: true })
  })
  const certificate = async (): Promise<Report['findings'][number] | undefined> => {
    const response = await fetch(`http://127.0.0.1:${stack.controlPort}/doctor`)
    return ((await response.json()) as Report).findings.find(({ id }) => id === 'certificate')
  }
  const expiry = (): Promise<number> => {
    const route = `${PARTNER_HOST}:${new URL(stack.url).port}`
    return stack.metric(`outbound_jwt_client_certificate_expiry_timestamp_seconds{route="${route}"}`)
  }

  it('is in doctor and in the metrics, and requests go on when it is renewed', async () => {
    expect((await call(stack.proxyPort, stack.url)).status).to.equal(200)
    expect(await certificate()).to.include({
      verdict: 'pass',
      found: 'CN=orders, issued by CN=clients; valid for 30 days',
    })
    const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 60 * DAY_MS)
    mount(await authority.issue(['orders'], { notAfter }))
    await until('the new one is in use', async () => (await expiry()) === notAfter.getTime() / 1000)
    expect((await call(stack.proxyPort, stack.url)).status).to.equal(200)
  })

  it('stays in use when its files become unusable, which doctor and log say', async () => {
    mount({ cert: (await authority.issue(['a'])).cert, key: (await authority.issue(['b'])).key })
    await stack.proxy().logged('certificate not replaced; the one before stays in use')
    expect(await certificate()).to.include({ verdict: 'warn' })
    expect((await call(stack.proxyPort, stack.url)).status).to.equal(200)
    expect(stack.proxy().output()).not.to.include('PRIVATE')
  })

  it('keeps the proxy from starting when its files cannot be used, with a line that names the file', async () => {
    const routes = [{ hosts: [PARTNER_HOST], clientCertificateDir: directory }]
    const proxy = startProxyProcess({ ROUTES: JSON.stringify(routes) })
    expect((await proxy.exited).status).to.equal(64)
    expect(proxy.output()).to.include(`ROUTES[0].clientCertificateDir: got "${directory}/tls.key", expected the key of`)
  })
})
