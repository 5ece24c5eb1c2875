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
import { AUDIENCES, NAMES, SUBJECT, VENDORS } from './cases.ts'
import type { Exchange, Name } from './cases.ts'
import { startPartnerEmulators } from './server.ts'
import type { PartnerEmulators } from './server.ts'
import { FORGEROCK } from './vendors/forgerock.ts'
import { GOOGLE } from './vendors/google.ts'
import { KEYCLOAK } from './vendors/keycloak.ts'
import { VAULT } from './vendors/vault.ts'

/** The source token; a route that works has what is not given. */
interface Source {
  readonly audience: string
  readonly seconds: number
  readonly algorithm?: 'RS256' | 'ES384'
  readonly jti?: string
}

/** What admission keeps from a partner, and the partner refuses all the same: a later limit of its administrator, or a wrong clock. */
const BEHIND_ADMISSION: readonly (readonly [Name, string, Partial<Source>, string, string])[] = [
  [
    'entra',
    'an EC signature',
    { algorithm: 'ES384' },
    'invalid_client',
    "AADSTS5002738: 'ES384' is not a supported signature algorithm.",
  ],
  [
    'entra',
    'an expired token',
    { seconds: -600 },
    'invalid_client',
    'AADSTS700024: Client assertion is not within its valid time range.',
  ],
  ['databricks', 'an EC signature', { algorithm: 'ES384' }, 'invalid_grant', 'a federation policy: algorithm.'],
  ['google', 'ES384', { algorithm: 'ES384' }, 'invalid_grant', 'The given credential is not valid: algorithm.'],
  ['google', 'a life of more than a day', { seconds: 90_000 }, 'invalid_grant', 'credential is not valid: life.'],
  ['anthropic', 'a life of more than an hour', { seconds: 7_200 }, 'exchange_denied', 'Authentication failed'],
  [
    'forgerock',
    'an end more than 30 minutes ahead',
    { seconds: 1_860 },
    'invalid_client',
    'JWT expiration time is unreasonable',
  ],
  [
    'keycloak',
    'an end more than 5 minutes ahead',
    { seconds: 360 },
    'invalid_client',
    'Invalid client or Invalid client credentials',
  ],
]

const ISSUER = 'https://issuer.example'
const KEYS = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
} as const

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
      ownAddresses: [],
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
  const sign = ({ audience, seconds, algorithm = 'RS256', jti }: Source): Promise<string> => {
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({})
      .setProtectedHeader({ alg: algorithm, kid: algorithm })
      .setIssuer(ISSUER)
      .setSubject(SUBJECT)
      .setAudience(audience)
      .setIssuedAt(Math.min(now, now + seconds - 60))
      .setExpirationTime(now + seconds)
      .setJti(jti ?? `jti-${++tokens}`)
      .sign(KEYS[algorithm].privateKey)
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
    return mint(route!, {
      audience: route!.audience[0] ?? '',
      seconds: Math.min(route!.durationSeconds, 300),
      ...source,
    })
  }

  for (const name of NAMES)
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

  it('end with a token of keycloak for the subject, with a secret of the client', async () => {
    const fields = { grant: 'jwt-bearer', clientId: KEYCLOAK.client, clientAuth: 'post', clientSecretFile: '/secret' }
    expect((await exchange('keycloak', fields)).value).to.match(/^kc-/)
    const failure = await exchange('keycloak', { ...fields, clientId: 'other' }).catch((error: unknown) => error)
    expect(failure).to.include({
      reason: 'invalid_client',
      message: 'HTTP 401, invalid_client: Invalid client or Invalid client credentials',
    })
  })

  for (const name of ['anthropic', 'keycloak'] as const)
    it(`are refused by ${name} when a token comes for the second time`, async () => {
      await exchange(name, {}, { jti: 'once' })
      const failure = await exchange(name, {}, { jti: 'once' }).catch((error: unknown) => error as TokenFailure)
      expect((failure as TokenFailure).row.class).to.equal('config')
    })

  for (const [name, what, source, reason, words] of BEHIND_ADMISSION)
    it(`are refused by ${name} for ${what}`, async () => {
      const failure = await exchange(name, {}, source).catch((error: unknown) => error)
      expect(failure).to.be.instanceOf(TokenFailure)
      expect((failure as TokenFailure).reason).to.equal(reason)
      expect((failure as TokenFailure).message).to.contain(words)
    })

  it('are refused by vault where its role limits how often a token is used', async () => {
    const failure = await exchange('vault', { role: VAULT.limitedRole }).catch((error: unknown) => error)
    expect(failure).to.include({
      reason: 'unusable_answer',
      message: 'the token of Vault may be used 1 times; set token_num_uses of its role to 0',
    })
  })

  it('take a namespace of vault', async () => {
    expect((await exchange('vault', { namespace: VAULT.namespace })).value).to.match(/^hvs\./)
  })

  it('are made at the account of databricks where no workspace is named', async () => {
    expect((await exchange('databricks', { host: undefined })).value).to.match(/^dbx-/)
    expect(emulators.calls('accounts.cloud.databricks.com')).to.equal(1)
  })
})
