import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { ProxyConfig } from '../../../proxy/src/config.ts'
import { SETTINGS, readConfig } from '../../../proxy/src/config.ts'
import { readFlags } from '../../../proxy/src/flags.ts'
import { compileStandalone } from '../../../proxy/src/standalone/compile.ts'
import { SettingsError } from '../../../proxy/src/runtime/index.ts'

type Environment = Readonly<Record<string, string>>

const PINNED = { UPSTREAM_HOST: 'api.partner.example' }

function problems(environment: Environment, ...args: string[]): readonly string[] {
  try {
    readConfig(environment, readFlags(SETTINGS, args))
  } catch (error) {
    expect(error).to.be.instanceOf(SettingsError)
    return (error as SettingsError).message
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
  }
  return []
}

describe('standalone settings', () => {
  it('compile to the routes of a sidecar, one per host, that deny every other host', () => {
    const config = readConfig({
      ALLOWED_HOSTS: 'API.partner.example, *.wild.example:8443',
      TOKEN_AUDIENCE: 'urn:b,urn:a,urn:b',
      TOKEN_SIGNING_ALGORITHM: 'es384',
      TOKEN_DURATION: '10m30.9s',
    })
    const token = { audience: ['urn:b', 'urn:a'], signingAlgorithm: 'ES384', durationSeconds: 630 }
    expect(config).to.include({ isStandalone: true, unmatched: 'deny' })
    expect(config.routes.map(({ name }) => name)).to.deep.equal(['api.partner.example', '*.wild.example:8443'])
    expect(config.routes[0]).to.deep.include({ ...token, hosts: ['api.partner.example'], onExisting: 'replace' })
    expect(config.routes[1]).to.deep.include({ ...token, hosts: ['*.wild.example:8443'] })
    expect(Object.isFrozen(config) && config.routes.every(Object.isFrozen)).to.equal(true)
  })

  it('have the defaults of aws-outbound-jwt-proxy, on loopback', () => {
    const config = readConfig(PINNED)
    expect(config.listenAddr).to.deep.equal({ host: '127.0.0.1', port: 8080 })
    expect(config.adminListenAddr).to.deep.equal({ host: '::', port: 9090 })
    expect(config).to.include({ hostHeader: 'X-Upstream-Host', upstreamScheme: 'https', upstreamTimeoutSeconds: 30 })
    expect(config.routes[0]).to.deep.include({ audience: [], signingAlgorithm: 'RS256', durationSeconds: 3600 })
  })

  it('give an http upstream without a port port 80', () => {
    const hosts = ({ routes }: ProxyConfig): readonly string[] => routes.flatMap((route) => route.hosts)
    const plaintext = { UPSTREAM_SCHEME: 'http', ALLOW_PLAINTEXT_UPSTREAM: 'true' }
    expect(hosts(readConfig({ ...plaintext, UPSTREAM_HOST: 'a.example' }))).to.deep.equal(['a.example:80'])
    expect(hosts(readConfig({ ...plaintext, ALLOWED_HOSTS: 'a.example:443,*' }))).to.deep.equal(['a.example', '*'])
  })

  it('may take the Host field for the header that names the upstream', () => {
    expect(readConfig({ ALLOWED_HOSTS: 'a.example', HOST_HEADER: 'Host' }).hostHeader).to.equal('Host')
  })

  it('that were not parsed before are refused, not compiled', () => {
    const config = readConfig(PINNED)
    expect(() => compileStandalone({ ...config, upstreamHost: '10.0.0.1' })).to.throw(TypeError, '10.0.0.1')
  })

  it('leave the sidecar its own', () => {
    const config = readConfig({ ROUTES: '[{"hosts":["api.partner.example"]}]' })
    expect(config).to.include({ isStandalone: false, unmatched: 'passthrough', upstreamTimeoutSeconds: 120 })
    expect(config.listenAddr).to.deep.equal({ host: '127.0.0.1', port: 15400 })
    expect(config.warnings).to.deep.equal([])
  })

  it('come from flags before variables', () => {
    const config = readConfig(PINNED, readFlags(SETTINGS, ['--upstream-host=b.example', '--token-duration=1m']))
    expect(config.routes[0]).to.deep.include({ hosts: ['b.example'], durationSeconds: 60 })
  })

  const refusals: readonly (readonly [what: string, environment: Environment, problem: RegExp])[] = [
    [
      'routes beside a pinned upstream',
      { ...PINNED, ROUTES: '[]' },
      /^ROUTES: got "\[\]", expected nothing beside UPSTREAM_HOST/,
    ],
    ['UNMATCHED beside listed hosts', { ALLOWED_HOSTS: '*', UNMATCHED: 'passthrough' }, /^UNMATCHED: .* ALLOWED_HOSTS/],
    [
      'the admin address of the sidecar',
      { ...PINNED, ADMIN_LISTEN_ADDR: ':1' },
      /^ADMIN_LISTEN_ADDR: .*METRICS_LISTEN_ADDR instead/,
    ],
    [
      'both kinds of upstream',
      { ...PINNED, ALLOWED_HOSTS: 'b.example' },
      /^ALLOWED_HOSTS: .*nothing beside UPSTREAM_HOST/,
    ],
    ['a scheme in the upstream', { UPSTREAM_HOST: 'https://api.example' }, /^UPSTREAM_HOST: .*without a scheme/],
    ['an address as the upstream', { UPSTREAM_HOST: '10.0.0.1:8081' }, /^UPSTREAM_HOST: .*no IP address/],
    ['a wildcard as the upstream', { UPSTREAM_HOST: '*.example.com' }, /^UPSTREAM_HOST: /],
    ['a wildcard of one label', { ALLOWED_HOSTS: '*.com' }, /^ALLOWED_HOSTS: .*\*\.suffix/],
    ['a port for any host', { ALLOWED_HOSTS: '*:8443' }, /^ALLOWED_HOSTS: /],
    ['a host listed twice', { ALLOWED_HOSTS: 'a.example,A.example:8443' }, /^ALLOWED_HOSTS: .*each host once/],
    ['any host listed twice', { ALLOWED_HOSTS: '*,*' }, /^ALLOWED_HOSTS: .*each host once/],
    [
      'plain HTTP',
      { ...PINNED, UPSTREAM_SCHEME: 'http' },
      /^UPSTREAM_SCHEME: got "http", expected https, or ALLOW_PLAINTEXT_UPSTREAM=true/,
    ],
    [
      'trust anchors where nothing is verified',
      { ...PINNED, UPSTREAM_SCHEME: 'http', ALLOW_PLAINTEXT_UPSTREAM: 'true', UPSTREAM_CA_FILE: '/ca.crt' },
      /^UPSTREAM_CA_FILE: got "\/ca.crt", expected nothing beside UPSTREAM_SCHEME=http/,
    ],
    [
      'a scheme that is none',
      { ...PINNED, UPSTREAM_SCHEME: 'ftp' },
      /^UPSTREAM_SCHEME: got "ftp", expected https or http/,
    ],
    ['eleven audiences', { ...PINNED, TOKEN_AUDIENCE: 'a,b,c,d,e,f,g,h,i,j,k' }, /^TOKEN_AUDIENCE: .*at most 10/],
    ['an empty audience', { ...PINNED, TOKEN_AUDIENCE: 'a,,b' }, /^TOKEN_AUDIENCE: .*none of them empty/],
    ['a token of two hours', { ...PINNED, TOKEN_DURATION: '2h' }, /^TOKEN_DURATION: .*60s to 3600s/],
    [
      'a skew as long as the token',
      { ...PINNED, TOKEN_DURATION: '5m', TOKEN_REFRESH_SKEW: '300s' },
      /^TOKEN_REFRESH_SKEW: .*less than TOKEN_DURATION/,
    ],
    ['a framing field as the host header', { ...PINNED, HOST_HEADER: 'Content-Length' }, /^HOST_HEADER: /],
    ['a key without its certificate', { ...PINNED, TLS_KEY: '/tls.key' }, /^TLS_CERT: .*because TLS_KEY is set/],
    ['a certificate without its key', { ...PINNED, TLS_CERT: '/tls.crt' }, /^TLS_KEY: .*because TLS_CERT is set/],
    ['metrics on the port of requests', { ...PINNED, LISTEN_ADDR: ':9090' }, /^METRICS_LISTEN_ADDR: .*another address/],
  ]
  for (const [what, environment, problem] of refusals)
    it(`refuse ${what}`, () => {
      const found = problems(environment)
      expect(found).to.have.lengthOf(1)
      expect(found[0]).to.match(problem)
    })

  for (const variable of ['UPSTREAM_SCHEME', 'HOST_HEADER', 'TOKEN_AUDIENCE', 'TOKEN_DURATION', 'METRICS_LISTEN_ADDR'])
    it(`refuse ${variable} without an upstream, and name both ways to have one`, () => {
      const value = { UPSTREAM_SCHEME: 'https', TOKEN_DURATION: '5m', METRICS_LISTEN_ADDR: ':9090' }[variable] ?? 'x'
      const found = problems({ [variable]: value })
      expect(found).to.have.lengthOf(1)
      expect(found[0]).to.match(new RegExp(`^${variable}: got "${value}", expected UPSTREAM_HOST .* or ALLOWED_HOSTS `))
    })

  it('are reported all at once, those of flags by the name of the flag', () => {
    const found = problems(
      { TOKEN_DURATION: '2h', UPSTREAM_SCHEME: 'http' },
      '--upstream-host=10.0.0.1',
      '--nonsense',
      '--token-refresh-skew=x',
    )
    const names = found.map((line) => line.split(':', 1)[0])
    expect(names).to.have.members([
      '--nonsense',
      '--upstream-host',
      'UPSTREAM_SCHEME',
      'TOKEN_DURATION',
      '--token-refresh-skew',
    ])
  })

  const said = (environment: Environment): readonly string[] =>
    readConfig(environment).warnings.map(({ message }) => message)
  it('warn of any host, clear text, and a listener that only this pod reaches', () => {
    const warnings = said({ ALLOWED_HOSTS: '*', UPSTREAM_SCHEME: 'http', ALLOW_PLAINTEXT_UPSTREAM: 'true' })
    expect(warnings.join('; ')).to.match(/any host; tokens leave in clear text; .*loopback/)
  })
  it('have nothing to warn of when the address is chosen', () => {
    expect(said({ ...PINNED, LISTEN_ADDR: '127.0.0.1:8080' })).to.deep.equal([])
  })
  it('warn when nothing at all is configured', () => {
    const { warnings } = readConfig({})
    expect(warnings).to.have.lengthOf(1)
    expect(warnings[0]?.hint).to.match(/UPSTREAM_HOST or ALLOWED_HOSTS/)
  })
})
