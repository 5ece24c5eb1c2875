import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SettingsError } from '../../proxy/src/runtime/index.ts'
import { readConfig } from '../../webhook/src/config.ts'

const REQUIRED = {
  TLS_CERT_FILE: '/tls/tls.crt',
  TLS_KEY_FILE: '/tls/tls.key',
  PROXY_IMAGE: 'registry.example/proxy:1',
}

describe('webhook configuration', () => {
  it('needs what has no default, and nothing else', () => {
    const { listenAddr, injection, shutdownDelaySeconds } = readConfig({ ...REQUIRED, CERTIFICATE_MODE: 'secret' })
    expect(listenAddr).to.deep.equal({ host: '::', port: 9443 })
    expect(shutdownDelaySeconds).to.equal(10)
    expect(injection).to.deep.include({
      image: 'registry.example/proxy:1',
      runAsUser: 64532,
      resources: { cpuRequest: '10m', cpuLimit: null, memoryRequest: '64Mi', memoryLimit: '128Mi' },
      liveness: false,
      region: null,
      https: 'refuse',
      extraEnv: {},
      waitsForRole: true,
    })
  })

  it('hands the operator’s choices to injection', () => {
    const { injection } = readConfig({
      ...REQUIRED,
      CERTIFICATE_MODE: 'secret',
      PROXY_IMAGE_PULL_POLICY: 'Never',
      PROXY_IMAGE_PULL_SECRETS: 'one, two',
      SIDECAR_RUN_AS_USER: 'null',
      SIDECAR_CPU_REQUEST: 'none',
      SIDECAR_CPU_LIMIT: '1',
      SIDECAR_MEMORY_REQUEST: '96Mi',
      SIDECAR_MEMORY_LIMIT: '1Gi',
      SIDECAR_LIVENESS: 'true',
      SIDECAR_EXTRA_ENV: '{"NODE_EXTRA_CA_CERTS":"/ca.crt"}',
      DEFAULT_REGION: 'eu-central-1',
      DEFAULT_HTTPS: 'intercept',
      NAMESPACE_WITHOUT_ROLE: 'Refuse',
      DEFAULT_ANNOTATIONS: '{"hosts":"api.partner.example"}',
      KNOWN_SIDECARS: 'istio-proxy,agent',
    })
    expect(injection).to.deep.include({
      imagePullPolicy: 'Never',
      imagePullSecrets: ['one', 'two'],
      runAsUser: null,
      resources: { cpuRequest: null, cpuLimit: '1', memoryRequest: '96Mi', memoryLimit: '1Gi' },
      liveness: true,
      extraEnv: { NODE_EXTRA_CA_CERTS: '/ca.crt' },
      region: 'eu-central-1',
      https: 'intercept',
      waitsForRole: false,
      defaults: { hosts: 'api.partner.example' },
      knownSidecars: ['istio-proxy', 'agent'],
    })
  })

  it('is frozen', () => expect(readConfig({ ...REQUIRED, CERTIFICATE_MODE: 'secret' })).to.be.frozen)

  for (const [variable, value, allowed] of [
    ['LISTEN_ADDR', '9443', 'host:port'],
    ['CERTIFICATE_MODE', 'none', 'secret'],
    ['PROXY_IMAGE_PULL_POLICY', 'always', 'Always'],
    ['PROXY_IMAGE_PULL_SECRETS', 'UPPER', 'a Kubernetes name'],
    ['SIDECAR_RUN_AS_USER', '0', '1'],
    ['SIDECAR_CPU_REQUEST', '10 m', 'none, or CPU'],
    ['SIDECAR_MEMORY_LIMIT', '1 GB', 'none, or memory'],
    ['SIDECAR_LIVENESS', 'yes', 'true or false'],
    ['SIDECAR_EXTRA_ENV', '["A"]', 'a JSON object whose values are strings'],
    ['SIDECAR_EXTRA_ENV', '{"A":1}', 'a JSON object whose values are strings'],
    ['SIDECAR_EXTRA_ENV', '{"A"', 'a JSON object whose values are strings'],
    ['SIDECAR_EXTRA_ENV', '{"A":"1","A":"2"}', 'JSON that names every member once (line 1: "A" comes again)'],
    ['DEFAULT_ANNOTATIONS', '{"hosts":"a.example","hosts":"b.example"}', 'JSON that names every member once'],
    ['DEFAULT_REGION', 'Frankfurt', 'region'],
    ['DEFAULT_HTTPS', 'on', 'refuse or tunnel or intercept'],
    ['SHUTDOWN_DELAY', '1h', '300'],
    ['LOG_LEVEL', 'DEBUG', 'debug'],
  ] as const) {
    it(`refuses ${variable}=${value} and says what is allowed`, () => {
      const message = refusal({ ...REQUIRED, CERTIFICATE_MODE: 'secret', [variable]: value })
      expect(message)
        .to.include(`${variable}: got ${JSON.stringify(value)}, expected`)
        .and.to.include(allowed)
    })
  }

  it('checks the defaults for namespaces as it checks annotations of a pod', () => {
    const message = refusal({ ...REQUIRED, CERTIFICATE_MODE: 'secret', DEFAULT_ANNOTATIONS: '{"hosts":"10.0.0.1"}' })
    expect(message).to.include('10.0.0.1')
  })

  it('refuses a sidecar that could not run with its resources', () => {
    const tooLittle = refusal({ ...REQUIRED, CERTIFICATE_MODE: 'secret', SIDECAR_MEMORY_LIMIT: '64Mi' })
    expect(tooLittle).to.include('64Mi').and.to.include('at least 96Mi')
    const contradiction = { SIDECAR_CPU_REQUEST: '100m', SIDECAR_CPU_LIMIT: '50m', SIDECAR_MEMORY_REQUEST: '256Mi' }
    expect(refusal({ ...REQUIRED, CERTIFICATE_MODE: 'secret', ...contradiction }))
      .to.include('at least the request, 100m')
      .and.to.include('at least the request, 256Mi')
  })

  it('keeps operators from setting what injection sets', () => {
    const message = refusal({ ...REQUIRED, CERTIFICATE_MODE: 'secret', SIDECAR_EXTRA_ENV: '{"ROUTES":"[]"}' })
    expect(message).to.include('ROUTES')
  })
})

describe('settings of the certificate', () => {
  const SELF = {
    PROXY_IMAGE: 'registry.example/proxy:1',
    POD_NAMESPACE: 'system',
    CERTIFICATE_HOSTS: 'webhook.system.svc, ::1',
  }

  it('make one of its own by default', () => {
    expect(readConfig(SELF)).to.include({
      certificateMode: 'self',
      certificateLifetimeSeconds: 90 * 86_400,
      publicationDelaySeconds: 300,
    })
    expect(readConfig(SELF).certificateHosts).to.deep.equal(['webhook.system.svc', '::1'])
  })

  it('name what the mode needs, everything at once', () => {
    const self = refusal({ PROXY_IMAGE: 'registry.example/proxy:1' })
    expect(self)
      .to.include('POD_NAMESPACE: got "", expected a value; mode self needs it')
      .and.to.include('CERTIFICATE_HOSTS')
    for (const mode of ['secret', 'cert-manager']) {
      const mounted = refusal({ ...SELF, CERTIFICATE_MODE: mode })
      expect(mounted)
        .to.include('TLS_CERT_FILE')
        .and.to.include(`TLS_KEY_FILE: got "", expected a value; mode ${mode} needs it`)
    }
  })

  it('leave time to publish, wait and serve before a certificate expires', () => {
    expect(refusal({ ...SELF, CERTIFICATE_LIFETIME: '1h', CERTIFICATE_PUBLICATION_DELAY: '301s' })).to.include(
      'CERTIFICATE_PUBLICATION_DELAY: got "301s", expected at most 300s, a twelfth of CERTIFICATE_LIFETIME',
    )
    expect(readConfig({ ...SELF, CERTIFICATE_LIFETIME: '1h', CERTIFICATE_PUBLICATION_DELAY: '5m' })).to.include({
      publicationDelaySeconds: 300,
    })
  })

  for (const hosts of ['https://webhook', 'UPPER.svc', '1.2.3.4:443']) {
    it(`refuse the host ${hosts}`, () =>
      expect(refusal({ ...SELF, CERTIFICATE_HOSTS: hosts })).to.include('a DNS name or an IP address'))
  }
})

function refusal(environment: Readonly<Record<string, string>>): string {
  try {
    readConfig(environment)
  } catch (error) {
    if (error instanceof SettingsError) return error.message
    throw error
  }
  return expect.fail('nothing was thrown')
}
