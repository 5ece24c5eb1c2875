import { expect } from 'chai'
import { describe, it } from 'mocha'
import { OAUTH2, PROVIDER, TOKEN_URL, parseRoute, preset } from '../../support/exchanges.ts'

describe('an exchange that cannot work', () => {
  const refused: Readonly<Record<string, [object, string]>> = {
    'an exchange as text': [{ exchange: 'entra' }, 'ROUTES[0].exchange: got "a value", expected a mapping'],
    'neither preset nor type': [{ exchange: {} }, 'ROUTES[0].exchange: got "neither", expected either preset (entra'],
    'preset and type': [{ exchange: preset('openai', { type: 'oauth2' }) }, 'got "both"'],
    'an unknown preset': [{ exchange: { preset: 'github' } }, 'ROUTES[0].exchange.preset: got "github"'],
    'an unknown type': [{ exchange: { type: 'constructor' } }, 'ROUTES[0].exchange.type: got "constructor"'],
    'an unknown parameter': [{ exchange: preset('openai', { scope: 'x' }) }, 'ROUTES[0].exchange.scope: got "scope"'],
    'a missing parameter': [{ exchange: { preset: 'tailscale' } }, 'ROUTES[0].exchange.clientId: is missing'],
    'a key of annotations in ROUTES': [{ exchange: { ...OAUTH2, ca: {} } }, 'ROUTES[0].exchange.ca: got "ca"'],
    'Databricks without a place': [{ exchange: { preset: 'databricks' } }, 'host of the workspace, or accountId'],
    'ES384 for Google': [
      { signingAlgorithm: 'ES384', exchange: { type: 'google', audience: PROVIDER } },
      'RS256 with type google',
    ],
    'no audience for plain oauth2': [{ exchange: OAUTH2 }, 'the audience that the partner behind type oauth2 checks'],
    'client credentials by secret': [
      { audience: ['a'], exchange: { ...OAUTH2, grant: 'client-credentials', clientAuth: 'basic' } },
      'ROUTES[0].exchange.clientAuth: got "basic", expected assertion',
    ],
    'basic without a secret': [
      { audience: ['a'], exchange: { ...OAUTH2, clientAuth: 'basic' } },
      'exchange.clientSecretFile: is missing',
    ],
    'basic without a client': [
      { audience: ['a'], exchange: { ...OAUTH2, clientSecretFile: '/s' } },
      'exchange.clientId: is missing',
    ],
    'a secret that nobody sends': [
      { audience: ['a'], exchange: { ...OAUTH2, clientAuth: 'none', clientSecretFile: '/s' } },
      'nothing, or clientAuth basic or post instead of none',
    ],
    'a type of token for another grant': [
      { audience: ['a'], exchange: { ...OAUTH2, grant: 'jwt-bearer', requestedTokenType: 'urn:x:y' } },
      'exchange.requestedTokenType: got "urn:x:y"',
    ],
    'an ID token without service account': [
      { exchange: { type: 'google', audience: PROVIDER, tokenKind: 'id', targetAudience: 'a' } },
      'exchange.serviceAccount: is missing',
    ],
    'a lifetime without service account': [
      { exchange: { type: 'google', audience: PROVIDER, lifetimeSeconds: 3600 } },
      'exchange.lifetimeSeconds: got "3600"',
    ],
    'an endpoint in clear text': [{ exchange: { ...OAUTH2, tokenUrl: 'http://sso.example/token' } }, 'an https URL'],
    'an endpoint at an address': [{ exchange: { ...OAUTH2, tokenUrl: 'https://10.0.0.1/token' } }, 'with a DNS name'],
    'an endpoint with a fragment': [{ exchange: { ...OAUTH2, tokenUrl: `${TOKEN_URL}#x` } }, 'no fragment'],
    'a parameter that has a field': [
      { exchange: { ...OAUTH2, params: { scope: 'x' } } },
      'exchange.params.scope: got "scope"',
    ],
    'a number as parameter': [
      { exchange: { ...OAUTH2, params: { n: 1 } } },
      'exchange.params.n: got "n", expected a quoted text',
    ],
    'a framing header': [
      { exchange: { ...OAUTH2, headers: { 'Content-Length': '1' } } },
      'exchange.headers.Content-Length',
    ],
    'a header in two cases': [{ exchange: { ...OAUTH2, headers: { 'X-A': '1', 'x-a': '2' } } }, 'exchange.headers.x-a'],
    'a header with a line feed': [{ exchange: { ...OAUTH2, headers: { 'X-A': 'a\nb' } } }, 'exchange.headers.X-A'],
    'a mount that leaves its path': [
      { exchange: { type: 'vault', address: 'https://v.example', role: 'r', mount: '../sys' } },
      'exchange.mount',
    ],
  }
  for (const [what, [fields, message]] of Object.entries(refused)) {
    it(`is refused: ${what}`, () => {
      const { route, complaints } = parseRoute(fields)
      expect(complaints.join('\n')).to.contain(message)
      expect(complaints.join('\n')).not.to.contain('undefined')
      expect(route).to.equal(undefined)
    })
  }

  it('is refused with all of its problems at once', () => {
    const { complaints } = parseRoute({
      hosts: ['10.0.0.1'],
      signingAlgorithm: 'ES384',
      durationSeconds: 1,
      exchange: preset('entra', { scope: 'x', speed: 1 }),
    })
    expect(complaints.map((line) => line.split(':', 1)[0])).to.deep.equal([
      'ROUTES[0].hosts[0]',
      'ROUTES[0].durationSeconds',
      'ROUTES[0].exchange.speed',
      'ROUTES[0].exchange.scope',
    ])
    const second = parseRoute({
      hosts: ['10.0.0.1'],
      signingAlgorithm: 'ES384',
      audience: ['a', 'b'],
      exchange: preset('entra'),
    })
    expect(second.complaints).to.have.lengthOf(3)
  })

  const SECRET = 'hunter2-correct-horse'
  const secretive: Readonly<Record<string, object>> = {
    'a literal client secret': { ...OAUTH2, clientSecret: SECRET },
    'a literal instead of a path': { ...OAUTH2, clientSecretFile: SECRET },
    'a password in a URL': { ...OAUTH2, tokenUrl: `https://client:${SECRET}@sso.example/token` },
    'a password in a URL that is wrong in other ways, too': { ...OAUTH2, tokenUrl: `http:/client:${SECRET}@sso` },
    'a client secret as parameter': { ...OAUTH2, params: { client_secret: SECRET } },
    'an API key as header': { ...OAUTH2, headers: { 'X-Api-Key': SECRET } },
    'an Authorization header': { ...OAUTH2, headers: { Authorization: `Basic ${SECRET}` } },
    'parameters as text': { ...OAUTH2, params: `client_secret=${SECRET}` },
  }
  for (const [what, exchange] of Object.entries(secretive)) {
    it(`is refused without repeating the secret: ${what}`, () => {
      const { complaints } = parseRoute({ audience: ['a'], exchange })
      expect(complaints).not.to.deep.equal([])
      expect(complaints.join('\n')).not.to.contain('hunter2')
    })
  }
})
