import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { readConfig } from '../../../proxy/src/config.ts'
import { openKeyPair } from '../../../proxy/src/runtime/index.ts'
import type { KeyPairInUse } from '../../../proxy/src/runtime/index.ts'
import type { Finding } from '../../../proxy/src/doctor/report.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { createFakeClock } from '../../support/tokens/clock.ts'
import { examine } from '../../support/tokens/doctor.ts'

const DAY_MS = 86_400_000

describe('doctor on client certificates', () => {
  const { routes } = readConfig({
    ROUTES: JSON.stringify([{ hosts: ['*.a.example'], clientCertificateDir: '/client/0' }, { hosts: ['*.b.example'] }]),
  })
  const clock = createFakeClock()
  const nowMs = clock.now().wallMs
  let inUse: (days: number, problem?: string) => Promise<KeyPairInUse>
  before(async () => {
    const authority = await createTestAuthority('clients')
    inUse = async (days, problem) => {
      const validity = { notBefore: new Date(nowMs - DAY_MS), notAfter: new Date(nowMs + days * DAY_MS + 60_000) }
      const pair = await authority.issue(['orders'], days < 100 ? validity : { notBefore: validity.notAfter })
      const files = { cert: { where: 'cert', path: 'cert' }, key: { where: 'key', path: 'key' } }
      return { ...openKeyPair(files, (path) => (path === 'cert' ? pair.cert : pair.key)), problem }
    }
  })
  const finding = async (certificate: KeyPairInUse): Promise<Partial<Finding>> => {
    const clientCertificates = new Map([['/client/0', certificate]])
    const { findings } = await examine({ routes, clock, clientCertificates })
    const [found, ...others] = findings.filter(({ id }) => id === 'certificate')
    expect(others).to.deep.equal([])
    expect(JSON.stringify(found)).not.to.include('PRIVATE')
    return found ?? expect.fail('nothing was found')
  }

  it('names whom it is for, who issued it, and how long it is valid', async () => {
    expect(await finding(await inUse(30))).to.deep.equal({
      id: 'certificate',
      subject: '*.a.example',
      verdict: 'pass',
      found: 'CN=orders, issued by CN=clients; valid for 30 days',
    })
  })

  it('warns a week before it ends', async () => {
    expect(await finding(await inUse(7))).to.include({ verdict: 'pass' })
    expect(await finding(await inUse(6))).to.include({ verdict: 'warn' })
  })

  it('fails when it has expired, or is not valid yet', async () => {
    const expired = await finding(await inUse(-1))
    expect([expired.verdict, expired.found]).to.deep.equal([
      'fail',
      `CN=orders, issued by CN=clients; expired on ${new Date(Math.floor((nowMs - DAY_MS + 60_000) / 1000) * 1000).toISOString()}`,
    ])
    expect(expired.fix).to.match(/^Renew the Secret/)
    expect((await finding(await inUse(100))).found).to.include('not valid before')
  })

  it('warns when the files cannot be used any more', async () => {
    const found = await finding(await inUse(30, 'the certificate before stays in use: …'))
    expect(found).to.include({ verdict: 'warn' })
    expect(found.found).to.match(/valid for 30 days; the certificate before stays in use/)
  })
})
