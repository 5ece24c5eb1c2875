import { expect } from 'chai'
import { describe, it } from 'mocha'
import { PRESET_NAMES, tokenWarnings } from '../../../proxy/src/contract.ts'
import { PRESETS } from '../../../proxy/src/contract/presets.ts'
import type { Preset, PresetName } from '../../../proxy/src/contract/presets.ts'
import { parseRoute, preset, routeOf } from '../../support/exchanges.ts'

/** A value that a parameter cannot have, and what is expected instead. */
type Wrong = Readonly<Record<string, readonly [value: string, expected: string]>>

const NO_USER = 'no user name or password in it'
const IDENTIFIER = ['not an ID', 'got "not an ID", expected 1 to 256 letters, digits or ._:@/+-'] as const
const UUID = ['11111111', 'got "11111111", expected a UUID'] as const
const SCOPE = ['a  b', 'got "a  b", expected scopes with one space between'] as const
const TOKEN_URL = [
  'http://sso.example',
  `got "http://sso.example", expected an https URL with a DNS name and no fragment; ${NO_USER}`,
] as const
const CA = { caFile: ['ca.crt', 'got "ca.crt", expected an absolute path'] } as const
const HOSTED = { tokenUrl: TOKEN_URL, ...CA } as const
const SELF_HOSTED = {
  scope: SCOPE,
  grant: ['password', 'got "password", expected client-credentials or jwt-bearer'],
  clientAuth: ['none', 'got "none", expected assertion or basic or post'],
  clientSecretFile: ['hunter2', 'got "a value", expected an absolute path; never the secret itself'],
  ...CA,
} as const

/** Every parameter of every preset. */
const WRONG: Readonly<Record<PresetName, Wrong>> = {
  entra: {
    tenantId: ['a tenant', 'got "a tenant", expected a tenant ID or a domain of the tenant'],
    clientId: IDENTIFIER,
    scope: [
      'User.Read',
      'got "User.Read", expected one resource followed by /.default, such as https://graph.microsoft.com/.default',
    ],
    ...HOSTED,
  },
  databricks: {
    host: [
      'https://dbc.example',
      'got "https://dbc.example", expected a DNS name without https://, with an optional :port',
    ],
    accountId: UUID,
    clientId: IDENTIFIER,
    scope: SCOPE,
    ...HOSTED,
  },
  forgerock: { tokenUrl: TOKEN_URL, clientId: IDENTIFIER, ...SELF_HOSTED },
  keycloak: {
    issuer: [
      'https://sso.example/',
      `got "https://sso.example/", expected an https URL with a DNS name, without query, fragment or a slash at its end; ${NO_USER}`,
    ],
    clientId: IDENTIFIER,
    ...SELF_HOSTED,
  },
  openai: { identityProviderId: IDENTIFIER, serviceAccountId: IDENTIFIER, ...HOSTED },
  anthropic: {
    federationRuleId: ['rule_1', 'got "rule_1", expected fdrl_ and letters or digits'],
    organizationId: UUID,
    serviceAccountId: ['sa_1', 'got "sa_1", expected svac_ and letters or digits'],
    workspaceId: ['work', 'got "work", expected wrkspc_ and letters or digits, or default'],
    ...HOSTED,
  },
  tailscale: { clientId: IDENTIFIER, ...HOSTED },
  openrouter: { federationPolicyId: IDENTIFIER, scope: SCOPE, ...HOSTED },
}

/** What a preset takes of the source token; absent where it takes all that a route can have. */
interface Limits {
  readonly algorithm?: string
  /** A life one step too long, and the sentence. */
  readonly life?: readonly [seconds: number, expected: string]
  readonly audiences?: string
  /** Where it is not said at all. */
  readonly audience?: string
  /** The warning with source kubernetes. */
  readonly once?: string
}

const ENTRA = 'Entra refuses every EC signature (AADSTS5002738), and a federated credential has one audience.'
const DATABRICKS =
  'Databricks takes RS256 and ES256 alone, and its token lives no longer than the one it was made from.'
const FORGEROCK = 'AM refuses a token that expires more than 30 minutes ahead ("JWT expiration time is unreasonable").'
const KEYCLOAK =
  'Keycloak takes each token once, and none that lives longer than 5 minutes, unless its administrator said otherwise; for those realms there is type `oauth2`.'

const LIMITS: Readonly<Record<PresetName, Limits>> = {
  entra: {
    algorithm: `got "ES384", expected RS256 with preset entra. ${ENTRA}`,
    audiences: `got "[\\"a\\",\\"b\\"]", expected one audience with preset entra. ${ENTRA}`,
  },
  databricks: { algorithm: `got "ES384", expected RS256 with preset databricks. ${DATABRICKS}` },
  forgerock: { life: [1741, `got "1741", expected at most 1740s with preset forgerock. ${FORGEROCK}`] },
  keycloak: {
    life: [301, `got "301", expected at most 300s with preset keycloak. ${KEYCLOAK}`],
    once: 'preset keycloak takes each token once, and a projected one stays the same until the kubelet renews it',
  },
  openai: {},
  anthropic: {
    life: [3601, 'got "3601", expected a whole number from 60 to 3600'],
    once: 'preset anthropic takes each token once, and a projected one stays the same until the kubelet renews it',
  },
  tailscale: {},
  openrouter: {
    audience:
      'is missing, expected the audience that the partner behind preset openrouter checks; it has no default here',
  },
}

describe('a preset', () => {
  for (const name of PRESET_NAMES) {
    const { parameters, limits, audience }: Preset = PRESETS[name]
    const complaintsOf = (fields: object, parameter = {}): readonly string[] =>
      parseRoute({ audience: ['a'], ...fields, exchange: preset(name, parameter) }).complaints

    it(`has a sentence for each of its parameters in this test: ${name}`, () => {
      expect(Object.keys(WRONG[name]).sort()).to.deep.equal(Object.keys(parameters).sort())
    })

    for (const [field, [value, expected]] of Object.entries(WRONG[name]))
      it(`refuses a wrong ${field}: ${name}`, () => {
        expect(complaintsOf({}, { [field]: value })).to.deep.equal([`ROUTES[0].exchange.${field}: ${expected}`])
      })

    for (const [field, { required }] of Object.entries(parameters))
      if (required)
        it(`refuses to do without ${field}: ${name}`, () => {
          expect(complaintsOf({}, { [field]: undefined })).to.deep.equal([
            `ROUTES[0].exchange.${field}: is missing, expected a value; it has no default`,
          ])
        })

    it(`refuses the algorithm that its partner does not take: ${name}`, () => {
      const { algorithm } = LIMITS[name]
      expect(algorithm === undefined, 'its table').to.equal(limits.algorithms.includes('ES384'))
      expect(complaintsOf({ signingAlgorithm: 'ES384' })).to.deep.equal(said('signingAlgorithm', algorithm))
    })

    it(`refuses a life that its partner does not take: ${name}`, () => {
      const [seconds, expected] = LIMITS[name].life ?? [3600]
      expect(limits.longest ?? 3600, 'its table').to.equal(expected === undefined ? seconds : seconds - 1)
      expect(complaintsOf({ durationSeconds: seconds })).to.deep.equal(said('durationSeconds', expected))
    })

    it(`refuses more audiences than its partner takes: ${name}`, () => {
      const { audiences } = LIMITS[name]
      expect(audiences !== undefined, 'its table').to.equal(limits.oneAudience ?? false)
      expect(complaintsOf({ audience: ['a', 'b'] })).to.deep.equal(said('audience', audiences))
    })

    it(`refuses to do without an audience where its partner has no usual one: ${name}`, () => {
      const { audience: missing } = LIMITS[name]
      expect(missing !== undefined, 'its table').to.equal(audience === undefined)
      expect(complaintsOf({ audience: undefined })).to.deep.equal(said('audience', missing))
    })

    it(`warns where its partner takes each token once and the kubelet keeps one: ${name}`, () => {
      const { once } = LIMITS[name]
      expect(once !== undefined, 'its table').to.equal(limits.takesOnce ?? false)
      const route = routeOf({ audience: ['a'], exchange: preset(name) })
      const found = tokenWarnings({ ...route, source: 'kubernetes' }).map((warning) => warning.found)
      expect(found.filter((text) => text.includes('once'))).to.deep.equal(once === undefined ? [] : [once])
    })
  }
})

const said = (field: string, expected: string | undefined): readonly string[] =>
  expected === undefined ? [] : [`ROUTES[0].${field}: ${expected}`]
