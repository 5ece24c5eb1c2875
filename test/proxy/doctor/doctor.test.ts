import { Readable } from 'node:stream'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Route } from '../../../proxy/src/contract.ts'
import { expandExchange } from '../../../proxy/src/contract.ts'
import { createDoctor } from '../../../proxy/src/doctor/doctor.ts'
import { TokenFailure } from '../../../proxy/src/tokens/failures.ts'
import { readEvidence } from '../../../proxy/src/tokens/jwt.ts'
import { tokenRequest } from '../../../proxy/src/tokens/token-request.ts'
import type { Token } from '../../../proxy/src/tokens/token.ts'
import { createFakeClock } from '../../support/tokens/clock.ts'
import { healthyPod, examine, verdicts } from '../../support/tokens/doctor.ts'
import { claimsOfAws, unsignedJwt } from '../../support/tokens/jwt.ts'
import { audienceOf, requestFor } from '../../support/tokens/request.ts'
import { stsError } from '../../support/tokens/sts.ts'

const { session, callerIdentity, clockSkewMs } = healthyPod().aws
/** Of an issuer that nobody serves, and issued when asked for: the suite may have been running for minutes. */
function freshClaims(): ReturnType<typeof claimsOfAws> {
  const iat = Math.floor(Date.now() / 1000)
  return claimsOfAws({ iss: 'http://127.0.0.1:9', iat, exp: iat + 900 })
}

const tokenOf = (jwt: string): Token => ({
  value: jwt,
  expiresInMs: 900_000,
  evidence: readEvidence(jwt),
  clockSkewMs: 0,
})

describe('doctor', () => {
  it('examines a pod without routes', async () => {
    const report = await examine()
    expect(verdicts(report)).to.deep.equal({
      region: 'pass',
      credentials: 'pass',
      sts: 'pass',
      role: 'pass',
      federation: 'skip',
      clock: 'skip',
      discovery: 'skip',
      jwks: 'skip',
    })
    expect(report.verdict).to.equal('pass')
  })

  it('mints anew for each token once, and shows its claims instead of it', async () => {
    const jwt = unsignedJwt(freshClaims())
    const asked: (readonly string[])[] = []
    const report = await examine({
      requests: [requestFor(), requestFor(), requestFor({ audience: ['b'], route: 'b' })],
      tokens: {
        renew: ({ spec }) => {
          asked.push(audienceOf({ spec }))
          return Promise.resolve(tokenOf(jwt))
        },
      },
    })
    expect(asked).to.deep.equal([requestFor().spec.audience, ['b']])
    expect(verdicts(report)).to.include({ 'token partner': 'pass', 'token b': 'pass', clock: 'pass' })
    expect(verdicts(report)).to.include({ discovery: 'warn', jwks: 'warn' })
    const text = JSON.stringify(report)
    expect(text).to.contain('"iss":"http://127.0.0.1:9"')
    for (const part of jwt.split('.')) expect(text).not.to.contain(part)
  })

  it('examines the issuer of AWS and that of the cluster, each once', async () => {
    const report = await examine({
      requests: ['a', 'b', 'c'].map((route) => requestFor({ route, audience: [route] })),
      tokens: {
        renew: ({ route }) => {
          const iss = `http://127.0.0.1:9/${route === 'c' ? 'cluster' : 'aws'}`
          return Promise.resolve(tokenOf(unsignedJwt({ ...freshClaims(), iss })))
        },
      },
    })
    const read = report.findings.filter(({ id }) => id === 'discovery').map(({ found }) => /9\/(\w+)/.exec(found)?.[1])
    expect(read).to.deep.equal(['aws', 'cluster'])
    expect(verdicts(report)).to.include({ 'registration a': 'pass', 'registration c': 'pass' })
  })

  it('reports a token that is no JWT as such, and skips what only a JWT can show', async () => {
    const opaque: Token = { value: 'a-secret-without-parts', expiresInMs: 900_000, evidence: undefined }
    const report = await examine({ requests: [requestFor()], tokens: { renew: () => Promise.resolve(opaque) } })
    expect(verdicts(report)).to.include({ 'token partner': 'pass', clock: 'skip', discovery: 'skip', jwks: 'skip' })
    expect(report.findings.find(({ id }) => id === 'token')?.found).to.match(/^Opaque, not a JWT, 900 s, 22 bytes/)
    expect(JSON.stringify(report)).not.to.contain(opaque.value)
  })

  it('shows the source token of an exchange, and what came of it', async () => {
    const source = tokenOf(unsignedJwt(freshClaims()))
    const answers: (Token | TokenFailure)[] = [
      { value: 'ya29.result', expiresInMs: 3_599_000, evidence: undefined, subject: source, clockSkewMs: 0 },
      Object.assign(new TokenFailure('invalid_client', 'HTTP 401, invalid_client: AADSTS700212'), {
        subject: source.evidence,
      }),
    ]
    const exchange = expandExchange({ preset: 'tailscale', clientId: 'orders' })
    const requests = ['a', 'b'].map((route) =>
      tokenRequest(route, { source: 'exchange', subject: requestFor({ audience: [route] }).spec, exchange }),
    )
    const renew = (): Promise<Token> => {
      const answer = answers.shift()!
      return answer instanceof TokenFailure ? Promise.reject(answer) : Promise.resolve(answer)
    }
    const report = await examine({ requests, tokens: { renew } })
    expect(verdicts(report)).to.include({ 'token a': 'pass', 'token b': 'fail', discovery: 'warn', jwks: 'warn' })
    const [worked, refused] = report.findings.filter(({ id }) => id === 'token')
    expect(worked?.found).to.match(
      /^RS256, 900 s, \d+ bytes, for a; exchanged at api\.tailscale\.com: Opaque, not a JWT, 3599 s, 11 bytes$/,
    )
    expect(refused?.found).to.match(/AADSTS700212.* It was given RS256 of http:\/\/127\.0\.0\.1:9, for https:/)
    for (const finding of [worked, refused]) expect(finding?.claims).to.include({ sub: claimsOfAws()['sub'] })
    for (const secret of [source.value, 'ya29']) expect(JSON.stringify(report)).not.to.contain(secret)
  })

  it('says what to register, and looks at the issuer, when every exchange is refused', async () => {
    const source = tokenOf(unsignedJwt(freshClaims()))
    const exchange = expandExchange({ preset: 'tailscale', clientId: 'orders' })
    const request = tokenRequest('a', { source: 'exchange', subject: requestFor().spec, exchange })
    const failure = Object.assign(new TokenFailure('exchange_denied', 'HTTP 400, invalid_grant'), {
      subject: source.evidence,
      step: 'exchange',
    })
    const documents: Record<string, object> = {
      'openid-configuration': { issuer: 'http://127.0.0.1:9/', jwks_uri: 'http://127.0.0.1:9/keys' },
      keys: { keys: [{ kty: 'RSA' }, { kty: 'EC' }] },
    }
    const report = await examine({
      requests: [request],
      tokens: { renew: () => Promise.reject(failure) },
      get: (url) => {
        const body = Buffer.from(JSON.stringify(documents[url.split('/').at(-1)!]))
        return Promise.resolve({ status: 200, body: Readable.from([body]) })
      },
    })
    expect(verdicts(report)).to.include({
      'token a': 'fail',
      'registration a': 'pass',
      discovery: 'fail',
      jwks: 'skip',
    })
    const foundBy = (id: string): string | undefined => report.findings.find((finding) => finding.id === id)?.found
    expect(foundBy('registration')).to.match(
      /^issuer http:\/\/127\.0\.0\.1:9, subject arn:.*, audience .*, algorithm RS256$/,
    )
    expect(foundBy('discovery')).to.contain('iss is http://127.0.0.1:9, the configuration says "http://127.0.0.1:9/"')
    expect(foundBy('jwks')).to.match(/^2 keys at http:\/\/127\.0\.0\.1:9\/keys; no token was verified/)
    expect(JSON.stringify(report)).not.to.contain(source.value)
  })

  it('asks AWS for nothing where every route has source kubernetes', async () => {
    const never = (): Promise<never> => Promise.reject(new Error('AWS was asked'))
    const spec = { source: 'kubernetes', audience: ['a'], durationSeconds: 3_600, tokenFile: '/token' } as const
    const route = { source: 'kubernetes', hosts: [], audience: ['a'] } as unknown as Route
    const report = await examine({
      aws: { session: never, callerIdentity: never, clockSkewMs },
      routes: [route],
      requests: [tokenRequest('cluster', spec)],
      tokens: { renew: () => Promise.resolve(tokenOf(unsignedJwt(freshClaims()))) },
    })
    expect(verdicts(report)).to.include({ region: 'skip', credentials: 'skip', sts: 'skip', role: 'skip' })
    expect(verdicts(report)).to.include({ federation: 'skip', 'token cluster': 'pass' })
  })

  it('looks at the issuer of the first token that names one', async () => {
    const answers: Token[] = [
      { value: 'opaque', expiresInMs: 900_000, evidence: undefined },
      tokenOf(unsignedJwt(freshClaims())),
    ]
    const report = await examine({
      requests: [requestFor(), requestFor({ audience: ['b'], route: 'b' })],
      tokens: { renew: () => Promise.resolve(answers.shift()!) },
    })
    expect(verdicts(report)).to.include({ clock: 'pass', discovery: 'warn', jwks: 'warn' })
  })

  it('asks for no token without a session, and says why for each', async () => {
    const report = await examine({
      aws: { session: () => Promise.reject(new TokenFailure('no_credentials')), callerIdentity, clockSkewMs },
      requests: [requestFor()],
    })
    expect(verdicts(report)).to.include({ credentials: 'fail', sts: 'skip', role: 'skip', 'token partner': 'fail' })
  })

  it('classifies what the SDK throws', async () => {
    const throttled = stsError('Throttling', 'Rate exceeded', 400)
    const report = await examine({ aws: { session, callerIdentity: () => Promise.reject(throttled), clockSkewMs } })
    expect(verdicts(report)).to.include({ sts: 'fail', role: 'skip' })
  })

  it('looks at the clock of STS also when STS refuses, and sends people there first', async () => {
    const refused = new TokenFailure('identity_token_refused')
    const aws = { session: () => Promise.reject(refused), callerIdentity, clockSkewMs: () => -1_800_000 }
    const { findings } = await examine({ aws, requests: [requestFor()] })
    expect(findings.find(({ id }) => id === 'clock')).to.include({
      verdict: 'fail',
      found: '1800 s ahead of that of STS.',
    })
    for (const id of ['credentials', 'token'])
      expect(findings.find((finding) => finding.id === id)?.fix).to.match(
        /^This machine's clock is 1800 s ahead of that of STS\. Correct/,
      )
  })

  it('names the endpoint that this pod calls, in what it found and in what to open', async () => {
    const session = (): Promise<never> => Promise.reject(new TokenFailure('sts_unreachable'))
    const found = async (variables: object): Promise<string> => {
      const environment = { ...healthyPod().environment, ...variables }
      const { findings } = await examine({ environment, aws: { session, callerIdentity, clockSkewMs } })
      return findings.flatMap(({ id, found, fix }) => (id === 'sts' ? [`${found} ${fix ?? ''}`] : [])).join()
    }
    expect(await found({})).to.match(
      /The endpoint is https:\/\/sts\.eu-central-1\.amazonaws\.com\. .*allows sts\.eu-central-1\.amazonaws\.com:443\.$/,
    )
    expect(await found({ AWS_REGION: 'cn-north-1' })).to.include('sts.cn-north-1.amazonaws.com.cn:443')
    expect(await found({ AWS_ENDPOINT_URL_STS: 'http://sts.corp.example:8080' })).to.match(
      /The endpoint is http:\/\/sts\.corp\.example:8080\. .*allows http:\/\/sts\.corp\.example:8080\.$/,
    )
  })

  it('gives up on what hangs after 8 s', async () => {
    const clock = createFakeClock()
    const never = (): Promise<never> => new Promise(() => undefined)
    const running = examine({ clock, aws: { session: never, callerIdentity: never, clockSkewMs } })
    await clock.advance(8_000)
    expect((await running).findings.find(({ id }) => id === 'credentials')).to.include({ reason: 'sts_timeout' })
  })

  it('examines once for two who ask at the same time, and anew for the next', async () => {
    let sessions = 0
    const counting: typeof session = (renew, signal) => {
      sessions++
      return session(renew, signal)
    }
    const doctor = createDoctor({ ...healthyPod(), aws: { session: counting, callerIdentity, clockSkewMs } })
    const [one, other] = await Promise.all([doctor.examine(), doctor.examine()])
    expect(one).to.equal(other)
    expect(sessions).to.equal(1)
    await doctor.examine()
    expect(sessions).to.equal(2)
  })

  it('looks at 32 tokens at most', async () => {
    const requests = Array.from({ length: 40 }, (_, index) => requestFor({ audience: [`p${index}`] }))
    const tokens = { renew: () => Promise.reject(new TokenFailure('access_denied')) }
    const { findings } = await examine({ requests, tokens })
    expect(findings.filter(({ id }) => id === 'token')).to.have.lengthOf(32)
  })
})
