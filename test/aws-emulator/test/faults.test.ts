import type { STSClient } from '@aws-sdk/client-sts'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { after, afterEach, before, describe, it } from 'mocha'
import type { Emulator, Fault } from '../src/index.ts'
import { createEmulator } from '../src/index.ts'
import { FAULT_KINDS } from '../src/faults/kinds.ts'
import { AUDIENCE, assumedRole, mint, refusal, ROLE } from './support/client.ts'

describe('faults', () => {
  let emulator: Emulator
  let sts: STSClient

  before(async () => {
    emulator = await createEmulator({ region: 'eu-central-1', accountId: '123456789012', roles: [{ arn: ROLE }] })
    sts = await assumedRole(emulator)
    emulator.clearCalls()
  })
  afterEach(() => {
    emulator.setFaults([])
    emulator.clearCalls()
  })
  after(async () => {
    await emulator.close()
  })

  const set = (...faults: Fault[]): void => emulator.setFaults(faults)
  const send = (deadlineMs = 5_000): Promise<unknown> =>
    sts.send(mint(), { abortSignal: AbortSignal.timeout(deadlineMs) })
  const token = async (): Promise<string> => (await sts.send(mint())).WebIdentityToken ?? ''

  /** Every fault without a valid answer, and what the official SDK makes of it. */
  const failing: Readonly<Record<string, [Fault, RegExp]>> = {
    'an error by its wire code': [{ kind: 'error', code: 'Throttling' }, /^Throttling: Rate exceeded \(400\)/],
    'an error with status and message of its own': [
      { kind: 'error', code: 'Custom', status: 429, message: 'too <many>' },
      /^Custom: too <many> \(429\)/,
    ],
    'an HTML page': [{ kind: 'html' }, /\(502\)/],
    'malformed XML': [{ kind: 'malformed-xml' }, /\(200\)/],
    'a truncated body': [{ kind: 'truncated' }, /aborted|ECONNRESET|socket hang up/],
    'a reset': [{ kind: 'reset' }, /ECONNRESET|socket hang up/],
    'a half-closed connection': [{ kind: 'half-close' }, /ECONNRESET|socket hang up/],
    'a hanging request': [{ kind: 'hang' }, /AbortError/],
    'a slow body': [{ kind: 'slow-body', milliseconds: 60_000 }, /AbortError/],
    'a delay': [{ kind: 'delay', milliseconds: 60_000 }, /AbortError/],
  }
  for (const [what, [fault, expected]] of Object.entries(failing)) {
    it(`injects ${what}, once`, async () => {
      set({ ...fault, count: 1 })
      // Only where nothing else ends the request, a deadline does.
      const deadlineMs = /AbortError/.test(expected.source) ? 300 : 30_000
      expect(await refusal(() => send(deadlineMs))).to.match(expected)
      expect(emulator.calls().map((call) => call.fault)).to.deep.equal([fault.kind])
      await send()
    })
  }

  it('answers without a result, without a body, and without Expiration', async () => {
    set({ kind: 'empty-result', count: 1 }, { kind: 'empty', count: 1 }, { kind: 'no-expiration', count: 1 })
    const answers = [await sts.send(mint()), await sts.send(mint()).catch(String), await sts.send(mint())]
    expect(answers[0]).not.to.have.any.keys('WebIdentityToken', 'Expiration')
    expect(answers[1]).not.to.have.any.keys('WebIdentityToken')
    expect(answers[2]).to.include.keys('WebIdentityToken').and.not.to.include.keys('Expiration')
  })

  it('answers after a delay, or byte by byte, what it would have answered', async () => {
    for (const fault of [
      { kind: 'delay', milliseconds: 50 },
      { kind: 'slow-body', milliseconds: 50 },
    ] as const) {
      set(fault)
      const started = performance.now()
      expect(await token()).to.match(/^eyJ/)
      expect(performance.now() - started).to.be.greaterThan(45)
    }
  })

  it('puts another text, other claims or another lifetime into the token', async () => {
    set(
      { kind: 'token', token: 'two.parts', count: 1 },
      { kind: 'claims', claims: { sub: 'somebody-else' }, count: 1 },
      { kind: 'lifetime', seconds: -10, count: 1 },
    )
    expect(await token()).to.equal('two.parts')
    expect(decodeJwt(await token()).sub).to.equal('somebody-else')
    const { iat = 0, exp = 0 } = decodeJwt(await token())
    expect(exp - iat).to.equal(-10)
  })

  it('shortens a role session', async () => {
    set({ operation: 'AssumeRoleWithWebIdentity', kind: 'lifetime', seconds: 70 })
    const short = await assumedRole(emulator)
    expect(await refusal(() => short.send(mint()))).to.contain('SessionDurationEscalationException')
    await short.send(mint({ DurationSeconds: 60 }))
  })

  it('signs with a key that is not published', async () => {
    set({ kind: 'stale-key', count: 1 })
    const keys = createRemoteJWKSet(new URL(`${emulator.issuer}/.well-known/jwks.json`))
    const forged = await token()
    expect(await jwtVerify(forged, keys).catch((error: unknown) => String(error))).to.contain(
      'signature verification failed',
    )
    await jwtVerify(await token(), keys)
  })

  it('shows a clock that is off', async () => {
    set({ kind: 'date', seconds: 600 })
    const response = await fetch(emulator.url, { method: 'POST', body: 'Action=Nothing' })
    const date = new Date(response.headers.get('date') ?? '').getTime()
    expect(date - Date.now()).to.be.within(590_000, 601_000)
  })

  it('tells a client when to come back', async () => {
    set({ kind: 'error', code: 'ServiceUnavailable', retryAfterSeconds: 7 })
    const response = await fetch(emulator.url, { method: 'POST', body: 'Action=GetWebIdentityToken' })
    expect([response.status, response.headers.get('retry-after')]).to.deep.equal([503, '7'])
  })

  it('hits only the requests it names, in the order of the list', async () => {
    const code = 'AccessDenied'
    set(
      { kind: 'error', code, match: { audience: 'https://other.example' } },
      { kind: 'error', code, match: { sessionName: 'somebody' } },
      { kind: 'error', code, match: { roleArn: ROLE }, operation: 'AssumeRoleWithWebIdentity' },
    )
    await send()
    expect(await refusal(() => sts.send(mint({ Audience: [AUDIENCE, 'https://other.example'] })))).to.contain(code)
    expect(await refusal(() => assumedRole(emulator))).to.contain(code)
  })

  it('hits a signed request by the role and the session that signed it', async () => {
    set({ kind: 'error', code: 'InternalFailure', match: { roleArn: ROLE, sessionName: 'shop.orders' }, count: 1 })
    expect(await refusal(() => send())).to.contain('InternalFailure')
  })

  it('reaches the public documents', async () => {
    set({ operation: 'Jwks', kind: 'error', code: 'ServiceUnavailable' }, { operation: 'Discovery', kind: 'html' })
    const statuses = ['jwks.json', 'openid-configuration'].map(
      async (name) => (await fetch(`${emulator.issuer}/.well-known/${name}`)).status,
    )
    expect(await Promise.all(statuses)).to.deep.equal([503, 502])
  })

  describe('through /_admin/faults', () => {
    const admin = (method: string, body?: unknown): Promise<Response> =>
      fetch(`${emulator.url}/_admin/faults`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })

    it('are set, counted down and removed', async () => {
      await admin('PUT', [{ kind: 'html', count: 2 }])
      expect(await refusal(() => send())).to.contain('502')
      expect(await (await admin('GET')).json()).to.deep.equal([{ kind: 'html', count: 1 }])
      await admin('DELETE')
      await send()
    })

    const refused: Readonly<Record<string, [unknown, string]>> = {
      'no list': [{ kind: 'hang' }, 'expected a list'],
      'an unknown kind': [[{ kind: 'explode' }], '[0].kind: got "explode", expected one of error, html'],
      'a missing field': [[{ kind: 'delay' }], '[0].milliseconds: got "nothing", expected a whole number'],
      'an unknown field': [[{ kind: 'hang' }, { kind: 'hang', times: 1 }], '[1].times: got "1", expected one of'],
      'a count of zero': [[{ kind: 'hang', count: 0 }], '[0].count'],
      'an unknown match': [[{ kind: 'hang', match: { pod: 'a' } }], '[0].match.pod'],
      'an inherited name': [[{ kind: 'toString' }], '[0].kind'],
    }
    for (const [what, [body, expected]] of Object.entries(refused)) {
      it(`are refused with the reason: ${what}`, async () => {
        const response = await admin('PUT', body)
        expect(response.status).to.equal(400)
        expect(((await response.json()) as { error: string }).error).to.contain(expected)
      })
    }

    it('says so when the body is no JSON', async () => {
      const response = await fetch(`${emulator.url}/_admin/faults`, { method: 'PUT', body: '{' })
      expect(response.status).to.equal(400)
    })
  })

  it('last as long as they say, by the clock of the test', async () => {
    let now = Date.now()
    const timed = await createEmulator({
      region: 'eu-central-1',
      accountId: '123456789012',
      roles: [{ arn: ROLE }],
      now: () => now,
    })
    try {
      const client = await assumedRole(timed)
      timed.setFaults([{ kind: 'error', code: 'InternalFailure', forSeconds: 10 }])
      expect(await refusal(() => client.send(mint()))).to.contain('InternalFailure')
      now += 10_000
      await client.send(mint())
    } finally {
      await timed.close()
    }
  })

  it('are all documented in the README', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    for (const [kind, { doc }] of Object.entries(FAULT_KINDS))
      expect(readme).to.contain(`| \`${kind}\` |`).and.to.contain(doc)
  })
})
