import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { TokenFailure } from '../../proxy/src/tokens/failures.ts'
import { createFakeClock } from '../support/tokens/clock.ts'
import { setAwsEnvironment } from '../support/tokens/environment.ts'
import { claimsOfAws, unsignedJwt } from '../support/tokens/jwt.ts'
import type { RealTokens } from '../support/tokens/real.ts'
import { createRealTokens } from '../support/tokens/real.ts'
import { requestFor } from '../support/tokens/request.ts'
import type { StsAnswer, StsServer } from '../support/tokens/sts-server.ts'
import { SECRETS, startStsServer, token } from '../support/tokens/sts-server.ts'
import { until } from '../support/until.ts'

const REQUEST = requestFor()

const credentialsFor =
  (seconds: number): StsAnswer =>
  (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        AccessKeyId: 'ASIAEXAMPLEEXAMPLE00',
        SecretAccessKey: SECRETS.secretAccessKey,
        Token: SECRETS.sessionToken,
        AccountId: '123456789012',
        Expiration: new Date(Date.now() + seconds * 1000).toISOString(),
      }),
    )

const credentials = credentialsFor(6 * 3_600)

const refuse =
  (status: number): StsAnswer =>
  (response) =>
    response.writeHead(status).end('[request]: (AccessDeniedException): Unauthorized Exception!')

const mint: StsAnswer = (response, call) => {
  const iat = Math.floor(Date.now() / 1000)
  const exp = iat + Number(call.parameters.get('DurationSeconds'))
  token(unsignedJwt(claimsOfAws({ aud: call.subject, iat, exp })))(response, call)
}

describe('credentials of EKS Pod Identity, through the AWS SDK', function () {
  this.timeout(20_000)
  let sts: StsServer
  let agent: StsServer
  let directory: string
  let restore: () => void
  let real: RealTokens

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tokens-'))
    writeFileSync(join(directory, 'token'), SECRETS.serviceAccountToken)
    sts = await startStsServer(mint)
    agent = await startStsServer(credentials)
    restore = setAwsEnvironment({
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_STS: sts.url,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.url}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(directory, 'token'),
      AWS_EC2_METADATA_DISABLED: 'true',
    })
  })
  afterEach(() => real.tokens.close())
  after(async () => {
    restore()
    await sts.close()
    await agent.close()
    rmSync(directory, { recursive: true })
  })

  it('mint tokens, and their end is known', async () => {
    real = createRealTokens()
    expect(await real.tokens.get(REQUEST)).to.match(/^eyJ/)
    expect(await real.metrics()).to.match(/aws_session_end_timestamp_seconds [1-9]/)
    expect(agent.calls).to.have.lengthOf(1)
  })

  /** Longer than an agent that answers takes, shorter than the SDK's own retries. */
  const AT_ONCE_MS = 2_500
  const failures: Readonly<Record<string, readonly [StsAnswer, string, RegExp, number?]>> = {
    'the agent refuses': [refuse(400), 'pod_identity_refused', /association.*pods\.eks\.amazonaws\.com/],
    'the agent fails': [refuse(500), 'credentials_unreachable', /169\.254\.170\.23:80/],
    'the agent never answers': [() => undefined, 'credentials_unreachable', /169\.254\.170\.23:80/, 7_000],
    'the agent closes the connection': [
      (response) => response.socket?.resetAndDestroy(),
      'credentials_unreachable',
      /169\.254\.170\.23:80/,
    ],
    'the agent answers with broken JSON': [
      (response) =>
        response.end(`{"AccessKeyId": "ASIAEXAMPLEEXAMPLE00", SecretAccessKey: "${SECRETS.secretAccessKey}"`),
      'credentials_unreachable',
      /169\.254\.170\.23:80/,
    ],
    'the agent leaves something out': [
      (response) => response.end(JSON.stringify({ SecretAccessKey: SECRETS.secretAccessKey })),
      'credentials_unreachable',
      /169\.254\.170\.23:80/,
    ],
  }
  for (const [what, [answer, reason, hint, limitMs = AT_ONCE_MS]] of Object.entries(failures))
    it(`${what}: ${reason}, without a secret`, async () => {
      agent.answer = answer
      real = createRealTokens()
      const startMs = performance.now()
      const failure: unknown = await real.tokens.renew(REQUEST).catch((error: unknown) => error)
      expect(performance.now() - startMs).to.be.below(limitMs)
      expect(failure).to.be.instanceOf(TokenFailure)
      const { reason: found, row } = failure as TokenFailure
      expect(found).to.equal(reason)
      expect(row.hint).to.match(hint)
      const outputs = [String(failure), JSON.stringify(failure), real.captured.text()].join('\n')
      for (const secret of [...Object.values(SECRETS), 'ASIA', 'eyJ']) expect(outputs).not.to.contain(secret)
      agent.answer = credentials
      expect((await real.tokens.renew(REQUEST)).value, 'once it is back').to.match(/^eyJ/)
    })

  it('serve on when the agent hangs while the session is renewed', async () => {
    agent.answer = credentialsFor(600)
    const clock = createFakeClock(Date.now())
    real = createRealTokens({ clock })
    await real.tokens.get(REQUEST)
    agent.answer = () => undefined
    await clock.advance(60_000)
    expect((await real.tokens.renew(REQUEST)).value).to.match(/^eyJ/)
    const [line] = real.captured.lines('AWS session not renewed; the present one still serves')
    expect(line?.['detail']).to.contain('no credentials within 6 s')
  })

  it('are asked for again as soon as the agent is back, with the token the kubelet has written meanwhile', async () => {
    agent.answer = refuse(500)
    real = createRealTokens()
    const waiting = Promise.resolve(real.tokens.get(REQUEST))
    await until('the agent refuses', () => real.captured.lines('token not minted').length > 0)
    writeFileSync(join(directory, 'token'), 'rotated')
    agent.answer = (response, call) => (call.authorization === 'rotated' ? credentials : refuse(400))(response, call)
    expect(await waiting).to.match(/^eyJ/)
  })
})
