import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { InterceptionView } from '../../../proxy/src/doctor/interception.ts'
import { examineInterception } from '../../../proxy/src/doctor/interception.ts'
import type { Finding } from '../../../proxy/src/doctor/report.ts'
import { readConfig } from '../../../proxy/src/config.ts'
import { createSystemClock } from '../../../proxy/src/tokens/time.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { openPodAuthority } from '../../support/proxy/interception.ts'
import type { TestPodAuthority } from '../../support/proxy/interception.ts'
import { startTestProxy } from '../../support/proxy/proxy.ts'
import type { TestProxy } from '../../support/proxy/proxy.ts'

const HOST = 'api.partner.example'
const ROUTES = [{ hosts: [HOST, '*.wild.example'], https: 'intercept' }]

describe('doctor on https: intercept', () => {
  let pod: TestPodAuthority
  let proxy: TestProxy
  before(async () => {
    pod = await openPodAuthority(HOST)
    proxy = await startTestProxy({ authority: pod, routes: [{ hosts: [HOST], https: 'intercept' }] })
  })
  after(() => proxy.close())

  const examine = (differences: Partial<InterceptionView> = {}): Promise<readonly Finding[]> =>
    examineInterception(
      {
        authority: pod,
        read: () => pod.anchor,
        proxy: () => ({ host: '127.0.0.1', port: proxy.port }),
        clock: createSystemClock(),
        ...differences,
      },
      readConfig({ ROUTES: JSON.stringify(ROUTES), TRUST_DIR: '/trust', AUTHORITY_DIR: '/authority' }).routes,
      32,
    )
  const verdicts = (findings: readonly Finding[]): unknown[] => findings.map(({ id, verdict }) => [id, verdict])

  it('shows the authority, and gets through to each host as an application does, without the partner hearing of it', async () => {
    const findings = await examine()
    expect(verdicts(findings)).to.deep.equal([
      ['authority', 'pass'],
      ['trust', 'pass'],
      ['intercept', 'pass'],
    ])
    const [authority, , call] = findings
    expect(authority?.found).to.match(/^SHA-256 [0-9A-F:]{95}, for api\.partner\.example alone, valid for 36\d\d days$/)
    expect(call?.subject).to.equal(HOST)
    expect(call?.found).to.match(/^TLSv1\.3 through the proxy; its certificate verifies with \/trust\/ca\.crt$/)
    expect(proxy.tokens.asked).to.deep.equal([])
    expect(await proxy.metrics()).not.to.match(/intercept_refused_total\{.*\} [1-9]/)
  })

  it('names a file that is missing or holds another authority, and does not call with it', async () => {
    const missing = await examine({
      read: () => {
        throw Object.assign(new Error('no'), { code: 'ENOENT' })
      },
    })
    expect(verdicts(missing)).to.deep.equal([
      ['authority', 'pass'],
      ['trust', 'fail'],
    ])
    expect(missing[1]).to.include({ subject: '/trust/ca.crt', found: 'Cannot be read (ENOENT).' })
    const { ca } = await createTestAuthority()
    expect((await examine({ read: () => ca }))[1]?.found).to.equal('Does not hold the authority of this pod.')
  })

  it('warns of an authority that running applications do not trust', async () => {
    const remade = { ...pod.describe(), origin: 'remade' } as const
    const [finding] = await examine({ authority: { describe: () => remade } })
    expect(finding).to.include({ id: 'authority', verdict: 'warn' })
    expect(finding?.fix).to.match(/^Restart the pod/)
  })

  it('says what an application would see when the proxy cannot be reached', async () => {
    const findings = await examine({ proxy: () => ({ host: '127.0.0.1', port: 1 }) })
    expect(findings[2]).to.include({ id: 'intercept', verdict: 'fail' })
    expect(findings[2]?.found).to.match(/^An https:\/\/ URL fails: connect ECONNREFUSED 127\.0\.0\.1:1\.$/)
  })
})
