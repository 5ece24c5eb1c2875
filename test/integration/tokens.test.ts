import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { JWTVerifyResult } from 'jose'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { Emulator } from '../aws-emulator/src/index.ts'
import { createEmulator } from '../aws-emulator/src/index.ts'
import { createFakeClock } from '../support/tokens/clock.ts'
import { setAwsEnvironment } from '../support/tokens/environment.ts'
import { follow } from '../support/tokens/engine.ts'
import { createRealTokens } from '../support/tokens/real.ts'
import type { RealTokens, RealTokensOptions } from '../support/tokens/real.ts'
import { requestFor } from '../support/tokens/request.ts'
import { until } from '../support/until.ts'

const ROLE = 'arn:aws:iam::123456789012:role/team/orders'
const REQUEST = requestFor()

describe('tokens from the AWS emulator, through the AWS SDK', () => {
  let emulator: Emulator
  let directory: string
  let restore: () => void
  let started: RealTokens[]
  /** Of the emulator, ahead of the machine. */
  let offsetMs: number

  const start = (options: RealTokensOptions = {}): RealTokens => {
    const real = createRealTokens(options)
    started.push(real)
    return real
  }
  const verify = (jwt: string): Promise<JWTVerifyResult> =>
    jwtVerify(jwt, createRemoteJWKSet(new URL(`${emulator.issuer}/.well-known/jwks.json`)), {
      issuer: emulator.issuer,
      currentDate: new Date(Date.now() + offsetMs),
    })
  const calls = (action: string): number => emulator.calls().filter((call) => call.action === action).length

  beforeEach(async () => {
    offsetMs = 0
    started = []
    emulator = await createEmulator({
      region: 'eu-central-1',
      accountId: '123456789012',
      roles: [{ arn: ROLE }],
      now: () => Date.now() + offsetMs,
    })
    directory = mkdtempSync(join(tmpdir(), 'tokens-'))
    const file = join(directory, 'token')
    writeFileSync(file, await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' }))
    restore = setAwsEnvironment({
      AWS_DEFAULT_REGION: 'eu-central-1',
      AWS_ROLE_ARN: ROLE,
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      AWS_ENDPOINT_URL_STS: emulator.stsUrl,
    })
  })
  afterEach(async () => {
    for (const { tokens } of started) tokens.close()
    restore()
    await emulator.close()
    rmSync(directory, { recursive: true })
  })

  it('verify against the keys of the issuer, and name what was asked for', async () => {
    const { tokens } = start({ expectedRoleArn: ROLE })
    const jwt = await tokens.get(
      requestFor({ audience: ['a', 'b'], signingAlgorithm: 'ES384', durationSeconds: 600, tags: { team: 'x y' } }),
    )
    const { payload, protectedHeader } = await verify(jwt)
    expect(protectedHeader).to.include({ alg: 'ES384', kid: 'EC384_0' })
    expect(payload).to.deep.include({ sub: ROLE, aud: ['a', 'b'] })
    expect(payload.exp! - payload.iat!).to.equal(600)
    expect(payload['https://sts.amazonaws.com/']).to.deep.include({ request_tags: { team: 'x y' } })
  })

  it('are minted in a session named after the pod, with AWS_DEFAULT_REGION alone', async () => {
    await start({ sessionName: 'shop.orders-7f9c-abcde' }).tokens.get(REQUEST)
    const [assumed] = emulator.calls()
    expect(assumed).to.include({ action: 'AssumeRoleWithWebIdentity', sessionName: 'shop.orders-7f9c-abcde' })
  })

  it('cost one call of each kind for 1,000 cold requests', async () => {
    const { tokens, metrics } = start()
    const answers = await Promise.all(Array.from({ length: 1_000 }, async () => tokens.get(REQUEST)))
    expect(new Set(answers).size).to.equal(1)
    expect([calls('AssumeRoleWithWebIdentity'), calls('GetWebIdentityToken')]).to.deep.equal([1, 1])
    expect(await metrics()).to.contain('outbound_jwt_token_fetches_total{result="ok"} 1')
  })

  it('of many keys share one session, even when they are asked for at the same time', async () => {
    const { tokens } = start()
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => tokens.get(requestFor({ audience: [`p${index}`] }))),
    )
    expect([calls('AssumeRoleWithWebIdentity'), calls('GetWebIdentityToken')]).to.deep.equal([1, 20])
  })

  it('last nearly an hour when an hour is asked for, because the session lasts no longer', async () => {
    const { tokens, captured } = start()
    const { payload } = await verify(await tokens.get(requestFor({ durationSeconds: 3_600 })))
    expect(payload.exp! - payload.iat!).to.be.within(3_580, 3_585)
    expect(captured.lines('token shortened to fit the AWS session')).to.have.lengthOf(1)
    expect(calls('AssumeRoleWithWebIdentity'), 'a longer session was tried for').to.equal(2)
  })

  it('have their full life though the clock of STS is two hours ahead of ours', async () => {
    offsetMs = 7_200_000
    const { tokens, metrics } = start()
    const { payload } = await verify(await tokens.get(REQUEST))
    expect(payload.exp! - payload.iat!).to.equal(900)
    expect(await metrics()).to.match(/outbound_jwt_clock_skew_seconds\{route="partner"\} 7(?:19\d|20\d)/)
    await tokens.renew(REQUEST)
    const end = Number(/aws_session_end_timestamp_seconds (\d+)/.exec(await metrics())?.[1])
    expect(end - Date.now() / 1000, 'seconds to the end of the session, by our clock').to.be.within(3_500, 3_610)
  })

  it('are minted again by themselves once federation is enabled', async () => {
    emulator.setFederation(false)
    const clock = createFakeClock(Date.now())
    const { tokens } = start({ clock })
    const refused = await Promise.resolve(tokens.get(REQUEST)).catch((error: unknown) => error)
    expect(refused).to.include({ code: 'token_denied' })
    emulator.setFederation(true)
    await clock.advance(15_000)
    expect(await tokens.get(REQUEST)).to.be.a('string')
  })

  it('are sent through an outage until 15 s before they expire, and are back within 5 s of STS', async () => {
    const STEP_MS = 100
    const clock = createFakeClock(Date.now())
    const { tokens, captured, underWay } = start({ clock })
    const first = await tokens.get(REQUEST)
    emulator.setFaults([{ kind: 'error', code: 'ServiceUnavailable', status: 503 }])
    // Attempts end before the clock moves on: in real time they take milliseconds.
    const pass = async (milliseconds: number): Promise<void> => {
      await clock.advance(milliseconds)
      await until('no attempt under way', () => underWay() === 0)
    }
    while (clock.now().monotonicMs < 884_000) {
      expect(tokens.get(REQUEST)).to.equal(first)
      await pass(Math.min(15_000, 884_000 - clock.now().monotonicMs))
    }
    await pass(1_000)
    const failures = captured.lines('token not minted').length
    expect(failures).to.be.above(5)
    let waiting = follow(tokens.get(REQUEST))
    while (captured.lines('token not minted').length === failures) await pass(STEP_MS)
    emulator.setFaults([])
    const recoveredMs = clock.now().monotonicMs
    while (waiting.result === undefined || waiting.error !== undefined) {
      // Its 8 s may have ended within the outage: then it is the next request that sees the recovery.
      if (waiting.error !== undefined) waiting = follow(tokens.get(REQUEST))
      await pass(STEP_MS)
    }
    // A step later it is seen.
    expect(clock.now().monotonicMs - recoveredMs).to.be.at.most(5_000 + STEP_MS)
    expect(waiting.result).not.to.equal(first)
    await verify(waiting.result)
  })

  it('appear in no log and no metric, nor does any credential', async () => {
    const { tokens, captured, metrics } = start()
    const jwt = await tokens.get(REQUEST)
    emulator.setFaults([{ operation: 'GetWebIdentityToken', kind: 'error', code: 'AccessDenied' }])
    await Promise.resolve(tokens.renew(REQUEST)).catch(() => undefined)
    const outputs = captured.text() + (await metrics())
    expect(outputs).to.contain('token minted').and.to.contain('access_denied')
    expect(outputs).not.to.match(/eyJ|ASIA/)
    expect(outputs).not.to.contain(jwt.slice(-20))
  })
})
