import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import { SignJWT, exportJWK, createLocalJWKSet } from 'jose'
import { after, before, describe, it } from 'mocha'
import { readConfig } from '../../proxy/src/config.ts'
import { buildRoute, expandExchange } from '../../proxy/src/contract.ts'
import type { Route } from '../../proxy/src/contract.ts'
import { LIMITS } from '../../proxy/src/http/limits.ts'
import { createMemoryBudget } from '../../proxy/src/http/memory.ts'
import { createEndpointClient } from '../../proxy/src/http/outbound/token-endpoints.ts'
import { createUpstreams } from '../../proxy/src/proxy.ts'
import { createExchangeSource } from '../../proxy/src/tokens/exchanges/exchange.ts'
import { TokenFailure } from '../../proxy/src/tokens/failures.ts'
import { createSystemClock } from '../../proxy/src/tokens/time.ts'
import type { Token, TokenSource } from '../../proxy/src/tokens/token.ts'
import { createTestAuthority } from '../support/certificates.ts'
import { unusedSource } from '../support/tokens/source.ts'
import { requestFor } from '../support/tokens/request.ts'
import { AUDIENCES, LIVES, REFUSALS, SUBJECT, VENDORS } from './cases.ts'
import type { Exchange, Name, Source } from './cases.ts'
import { startPartnerEmulators } from './server.ts'
import type { PartnerEmulators } from './server.ts'
import { FORGEROCK } from './vendors/forgerock.ts'
import { GOOGLE } from './vendors/google.ts'

const ISSUER = 'https://issuer.example'
const KEYS = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
} as const
const STRANGER = generateKeyPairSync('rsa', { modulusLength: 2048 })

describe('exchanges at emulated partners', () => {
  let emulators: PartnerEmulators
  let mint: (route: Route, source: Source) => Promise<Token>

  before(async () => {
    const authority = await createTestAuthority()
    const jwks = await Promise.all(
      Object.entries(KEYS).map(async ([alg, { publicKey }]) => ({ ...(await exportJWK(publicKey)), alg, kid: alg })),
    )
    const trust = { issuer: ISSUER, subject: SUBJECT, keys: createLocalJWKSet({ keys: jwks }) }
    emulators = await startPartnerEmulators(trust, authority)
    const upstreams = createUpstreams({
      config: readConfig({ ALLOW_LOCAL_UPSTREAMS: 'true' }),
      anchors: { common: authority.ca, byFile: new Map() },
      clientCertificates: new Map(),
      limits: LIMITS,
      memory: createMemoryBudget(0),
      resolve: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
      ownPorts: [],
    })
    const endpoint = createEndpointClient({ upstreams, anchors: new Map(), nowMs: () => Date.now() })
    mint = ({ exchange }, source) => {
      const aws: TokenSource<never> = {
        ...unusedSource,
        mint: async () => ({ value: await sign(source), expiresInMs: 300_000, evidence: undefined }),
      }
      const exchanging = createExchangeSource({
        sourceOf: () => aws,
        // The emulators listen at a port of their own.
        call: (request, signal) => {
          const url = new URL(request.url)
          url.port = String(emulators.port)
          return endpoint({ ...request, url: url.href }, signal)
        },
        readFile: () => Promise.resolve(FORGEROCK.secret),
        clock: createSystemClock(),
        onStep: () => undefined,
      })
      const spec = { source: 'exchange', subject: requestFor().spec, exchange: expandExchange(exchange!) } as const
      return exchanging.mint({ spec, route: 'partner' }, new AbortController().signal)
    }
  })
  after(() => emulators.close())

  let tokens = 0
  const sign = ({
    audience,
    seconds = 300,
    algorithm = 'RS256',
    issuer = ISSUER,
    subject = SUBJECT,
    stranger = false,
    jti,
  }: Source): Promise<string> => {
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({})
      .setProtectedHeader({ alg: algorithm, kid: algorithm })
      .setIssuer(issuer)
      .setSubject(subject)
      .setAudience(audience)
      .setIssuedAt(Math.min(now, now + seconds - 60))
      .setExpirationTime(now + seconds)
      .setJti(jti ?? `jti-${++tokens}`)
      .sign(stranger ? STRANGER.privateKey : KEYS[algorithm].privateKey)
  }
  const exchange = (name: Name, fields: Exchange = {}, source: Partial<Source> = {}): Promise<Token> => {
    const values = {
      hosts: ['api.partner.example'],
      ...(AUDIENCES[name] && { audience: [AUDIENCES[name]] }),
      exchange: { ...VENDORS[name], ...fields },
    }
    const route = buildRoute(
      values,
      (field) => field,
      ({ where, value, allowed }) => expect.fail(`${where}: ${value}, ${allowed}`),
    )
    return mint(route!, { audience: route!.audience[0] ?? '', seconds: LIVES[name] ?? 300, ...source })
  }

  for (const name of Object.keys(VENDORS) as Name[])
    it(`end with a token of ${name}`, async () => {
      const { value, expiresInMs } = await exchange(name)
      expect(value).to.match(
        /^(?:entra-|dbx-|ya29\.impersonated-|hvs\.|sk-ant-oat01-|openai-|tskey-api-|or-|am-|kc-)\d+$/,
      )
      expect(expiresInMs).to.be.within(200_000, 3_600_000)
    })

  it('end with an ID token or a federated token of google', async () => {
    const id = await exchange('google', { tokenKind: 'id', targetAudience: 'https://run.example' })
    expect(id.evidence).to.deep.include({ audience: ['https://run.example'] })
    expect(id.evidence?.claims).to.include({ email: GOOGLE.serviceAccount })
    expect(id.expiresInMs).to.equal(3_600_000)
    const { value } = await exchange('google', { serviceAccount: undefined })
    expect(value).to.match(/^ya29\.federated-/)
  })

  it('end with a token of forgerock for the subject, with a secret of the client', async () => {
    const fields = { grant: 'jwt-bearer', clientId: FORGEROCK.client, clientAuth: 'basic', clientSecretFile: '/secret' }
    expect((await exchange('forgerock', fields)).value).to.match(/^am-/)
    const failure = await exchange('forgerock', { ...fields, clientId: 'other' }).catch((error: unknown) => error)
    expect(failure).to.include({
      reason: 'invalid_client',
      message: 'HTTP 401, invalid_client: Client authentication failed',
    })
  })

  for (const name of ['anthropic', 'keycloak'] as const)
    it(`are refused by ${name} when a token comes for the second time`, async () => {
      await exchange(name, {}, { jti: 'once' })
      const failure = await exchange(name, {}, { jti: 'once' }).catch((error: unknown) => error as TokenFailure)
      expect((failure as TokenFailure).row.class).to.equal('config')
    })

  for (const [name, what, { source, exchange: fields }, reason, words] of REFUSALS)
    it(`are refused by ${name} for ${what}`, async () => {
      const failure = await exchange(name, fields, source).catch((error: unknown) => error)
      expect(failure).to.be.instanceOf(TokenFailure)
      expect((failure as TokenFailure).reason).to.equal(reason)
      expect((failure as TokenFailure).message).to.match(words)
    })
})
