import { createSecureContext } from 'node:tls'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { readConfig } from '../../../proxy/src/config.ts'
import type { Route } from '../../../proxy/src/contract.ts'
import { partnerFinding } from '../../../proxy/src/doctor/partner.ts'
import type { PartnerOptions } from '../../../proxy/src/doctor/partner.ts'
import type { Report } from '../../../proxy/src/doctor/report.ts'
import { ProxyError } from '../../../proxy/src/errors.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import type { TestAuthority } from '../../support/certificates.ts'
import { startRawUpstream, startUpstream } from '../../support/proxy/upstream.ts'
import type { Upstream } from '../../support/proxy/upstream.ts'
import { createFakeClock } from '../../support/tokens/clock.ts'
import { examine } from '../../support/tokens/doctor.ts'
import { until } from '../../support/until.ts'

const HOST = 'api.partner.example'
const DAY_MS = 86_400_000

const routesTo = (...hosts: readonly string[]): readonly Route[] =>
  readConfig({ ROUTES: JSON.stringify([{ hosts }]) }).routes

const partners = ({ findings }: Report): unknown[] =>
  findings.filter(({ id }) => id === 'partner').map(({ subject, verdict, reason }) => [subject, verdict, reason])

describe('doctor on a partner', () => {
  let authority: TestAuthority
  let partner: Upstream
  let silent: Upstream

  before(async () => {
    authority = await createTestAuthority()
    partner = await startUpstream((_, response) => response.end(), await authority.issue([HOST]))
    silent = await startRawUpstream((socket) => socket.resume())
  })
  after(async () => {
    await partner.close()
    await silent.close()
  })

  const options = (): PartnerOptions => ({
    secureContext: createSecureContext({ ca: authority.ca }),
    lookup: (host, _, done) => {
      if (host === 'nowhere.example') done(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), [])
      else if (host === 'denied.example') done(new ProxyError('address_denied'), [])
      else done(null, [{ address: '127.0.0.1', family: 4 }])
    },
  })

  it('connects as a request would, and closes', async () => {
    const routes = routesTo(`${HOST}:${partner.port}`, '*.partner.example')
    const report = await examine({ routes, connection: options })
    const [finding] = report.findings.filter(({ id }) => id === 'partner')
    expect(finding?.subject).to.equal(`${HOST}:${partner.port}`)
    expect(finding?.found).to.match(/^TLSv1\.3 with 127\.0\.0\.1; its certificate verifies and is valid for \d days?$/)
    expect(partners(report)).to.have.lengthOf(1)
    await until('the connection is closed', () => partner.sockets.size === 0)
  })

  const failures: Readonly<Record<string, readonly [() => string, string, Partial<PartnerOptions>?]>> = {
    'a name that does not resolve': [() => 'nowhere.example', 'upstream_dns_failed'],
    'an address that is never called': [() => 'denied.example', 'address_denied'],
    'a certificate for another name': [() => `other.example:${partner.port}`, 'upstream_tls_failed'],
    'a certificate of an authority that is not trusted': [
      () => `${HOST}:${partner.port}`,
      'upstream_tls_failed',
      { secureContext: createSecureContext() },
    ],
    'a port where nobody listens': [() => `${HOST}:9`, 'upstream_connect_failed'],
  }
  for (const [what, [host, reason, changes]] of Object.entries(failures))
    it(`fails with ${what}: ${reason}`, async () => {
      const report = await examine({ routes: routesTo(host()), connection: () => ({ ...options(), ...changes }) })
      expect(partners(report)).to.deep.equal([[host(), 'fail', reason]])
    })

  it('sees that a partner wants a client certificate, which TLS 1.3 tells after the handshake', async () => {
    const pair = await authority.issue([HOST])
    const strict = await startUpstream(() => undefined, { ...pair, ca: authority.ca, requestCert: true })
    const report = await examine({ routes: routesTo(`${HOST}:${strict.port}`), connection: options })
    await strict.close()
    expect(partners(report)).to.deep.equal([[`${HOST}:${strict.port}`, 'fail', 'upstream_tls_failed']])
    expect(report.findings.find(({ id }) => id === 'partner')?.found).to.include('wants a client certificate')
  })

  it('gives up after 8 s on a partner that says nothing', async () => {
    const clock = createFakeClock()
    const report = examine({ routes: routesTo(`${HOST}:${silent.port}`), clock, connection: options })
    await until('it is connected', () => silent.sockets.size > 0)
    await clock.advance(8_000)
    const [finding] = (await report).findings.filter(({ id }) => id === 'partner')
    expect(finding).to.include({ verdict: 'fail', found: 'No connection within 8 s.' })
    await until('the connection is closed', () => silent.sockets.size === 0)
  })

  it('looks at no partner that is called without TLS', async () => {
    expect(partners(await examine({ routes: routesTo(HOST), connection: () => undefined }))).to.deep.equal([])
  })

  it('does not break on what it does not know', async () => {
    const lookup = (): never => {
      throw new RangeError('odd')
    }
    const report = await examine({ routes: routesTo(HOST), connection: () => ({ lookup }) })
    expect(partners(report)).to.deep.equal([[HOST, 'fail', 'internal_error']])
  })

  it('looks at 32 partners at most', async () => {
    const hosts = Array.from({ length: 40 }, (_, index) => `p${index}.example:9`)
    expect(partners(await examine({ routes: routesTo(...hosts), connection: options }))).to.have.lengthOf(32)
  })

  it('warns of a certificate that ends within a week', () => {
    const handshake = { protocol: 'TLSv1.3', address: '192.0.2.1', validUntilMs: 7 * DAY_MS }
    expect(partnerFinding('x', handshake, 0).verdict).to.equal('pass')
    expect(partnerFinding('x', handshake, 1).verdict).to.equal('warn')
  })
})
