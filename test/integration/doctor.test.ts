import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import type { Report } from '../../proxy/src/doctor/report.ts'
import { argumentsHere } from '../support/image.ts'
import { startNode } from '../support/process.ts'
import { call } from '../support/proxy/client.ts'
import type { Stack } from '../support/stack/stack.ts'
import { ROLE_ARN, startStack } from '../support/stack/stack.ts'
import { verdicts } from '../support/tokens/doctor.ts'

interface Consultation {
  readonly status: number | null
  readonly output: string
}

/** As `kubectl exec … -- /nodejs/bin/node /app/doctor.mjs` would run it in the sidecar. */
async function consult(environment: Readonly<Record<string, string>>, ...options: string[]): Promise<Consultation> {
  const doctor = startNode(
    argumentsHere(['/nodejs/bin/node', '/app/doctor.mjs', ...options], 'dist/proxy'),
    environment,
  )
  const { status } = await doctor.exited
  return { status, output: doctor.output() }
}

describe('doctor in the shipped proxy', () => {
  let stack: Stack
  before(async () => {
    stack = await startStack({ environment: { EXPECTED_ROLE_ARN: ROLE_ARN } })
  })
  afterEach(() => {
    stack.emulator.setFederation(true)
    stack.emulator.setFaults([])
    expect(stack.proxy().output()).not.to.match(/eyJ|ASIA/)
  })
  after(() => stack.close())

  const here = (...options: string[]): Promise<Consultation> =>
    consult({ CONTROL_LISTEN_ADDR: `127.0.0.1:${stack.controlPort}` }, ...options)
  const json = async (): Promise<Report & Consultation> => {
    const { status, output } = await here('--json')
    return { ...(JSON.parse(output) as Report), status, output }
  }

  it('finds a healthy pod healthy, from the region to the TLS of the partner', async () => {
    const { status, output } = await here()
    expect(status, output).to.equal(0)
    expect(output).to.match(/^aws-outbound-jwt-proxy \d/)
    expect(output).to.contain('pass  federation   Enabled.')
    expect(output).to.match(/pass {2}jwks .*The token verifies with one of 2 keys/)
    expect(output).to.match(/partner .*TLSv1\.3 with 127\.0\.0\.1; its certificate verifies/)
    expect(output).not.to.contain('FAIL')
  })

  it('says the same to programs, with the claims and never the token', async () => {
    const report = await json()
    expect(verdicts(report)).to.include({ region: 'pass', credentials: 'pass', role: 'pass', discovery: 'pass' })
    const [token] = report.findings.filter(({ id }) => id === 'token')
    expect(token?.claims).to.include({ iss: stack.emulator.issuer, sub: ROLE_ARN, aud: 'https://api.partner.example' })
    expect(report.output).not.to.match(/eyJ|ASIA/)
  })

  it('exits 1 with the command that enables federation', async () => {
    stack.emulator.setFederation(false)
    const { status, output } = await here()
    expect(status).to.equal(1)
    expect(output).to.match(/FAIL {2}federation .*\n +fix: Run: aws iam enable-outbound-web-identity-federation/)
  })

  it('tells a missing permission from a disabled account', async () => {
    stack.emulator.setFaults([{ operation: 'GetWebIdentityToken', kind: 'error', code: 'AccessDenied' }])
    const report = await json()
    expect(report.status).to.equal(1)
    expect(verdicts(report)).to.include({ sts: 'pass', role: 'pass', federation: 'skip', clock: 'pass' })
    expect(report.findings.find(({ id }) => id === 'token')).to.include({ reason: 'access_denied' })
  })

  it('finds an issuer whose keys do not fit its tokens', async () => {
    stack.emulator.setFaults([{ operation: 'GetWebIdentityToken', kind: 'stale-key' }])
    await stack.emulator.rotateKeys()
    expect(verdicts(await json())).to.include({ jwks: 'fail' })
  })

  it('only warns of an issuer it cannot read, and ends in time', async () => {
    stack.emulator.setFaults([
      { operation: 'Discovery', kind: 'html' },
      { operation: 'Jwks', kind: 'reset' },
    ])
    const report = await json()
    expect(verdicts(report)).to.include({ discovery: 'warn', jwks: 'warn' })
    expect(report.status).to.equal(0)
  })

  it('finds STS out of order, while requests are served with the token that is cached', async () => {
    stack.emulator.setFaults([
      { operation: 'GetWebIdentityToken', kind: 'reset' },
      { operation: 'GetCallerIdentity', kind: 'reset' },
    ])
    const report = await json()
    expect(verdicts(report)).to.include({ sts: 'fail', credentials: 'pass' })
    expect(report.findings.find(({ id }) => id === 'sts')).to.include({ reason: 'sts_unreachable' })
  })

  it('says that the partner accepts no token, where it answers the application so', async () => {
    stack.partner.behave((_, response) => response.writeHead(401).end())
    for (let count = 0; count < 20; count += 1) expect((await call(stack.proxyPort, stack.url)).status).to.equal(401)
    const use = (await json()).findings.find(({ id }) => id === 'use')
    expect(use?.found).to.match(/requests with a token, 20 of them answered with 401 or 403/)
    expect(use?.verdict).to.be.oneOf(['warn', 'fail'])
  })

  it('exits 2 where no proxy answers, and 64 when it is not understood', async () => {
    const nobody = await consult({ CONTROL_LISTEN_ADDR: '127.0.0.1:9' })
    expect(nobody.status).to.equal(2)
    expect(nobody.output).to.match(/^the proxy does not answer on 127\.0\.0\.1:9: .*ECONNREFUSED/)
    const misunderstood = await consult({}, '--jsn')
    expect(misunderstood.status).to.equal(64)
    expect(misunderstood.output).to.match(
      /^usage: doctor\.mjs \[--json\]: .*exit status 0 fine, 1 a check fails, 2 no answer$/,
    )
    expect(await consult({}, '--help')).to.deep.equal({ ...misunderstood, status: 0 })
    const misspelt = await consult({ CONTROL_LISTEN_ADDR: 'nonsense' })
    expect(misspelt.status).to.equal(64)
    expect(misspelt.output).to.contain('CONTROL_LISTEN_ADDR: expected host:port')
  })
})
