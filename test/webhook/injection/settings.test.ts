import { expect } from 'chai'
import { describe, it } from 'mocha'
import { describeProblem } from '../../../proxy/src/contract.ts'
import type { InjectionSettings } from '../../../webhook/src/injection/settings.ts'
import { INJECTION_DEFAULTS, settingsProblems } from '../../../webhook/src/injection/settings.ts'

const complaints = (changed: Partial<InjectionSettings>): readonly string[] =>
  settingsProblems({ ...INJECTION_DEFAULTS, image: 'registry.example/proxy:1', ...changed }).map(describeProblem)

describe('settings of the operator', () => {
  it('are right as they are, and with everything an operator may set', () => {
    expect(complaints({})).to.deep.equal([])
    expect(
      complaints({
        defaults: { hosts: 'api.partner.example', audience: 'urn:partner', 'log-level': 'debug' },
        extraEnv: { LOG_LEVEL: 'debug', HTTPS_PROXY: 'http://proxy.corp.example:3128' },
        resources: { cpuRequest: '0.5', cpuLimit: null, memoryRequest: '64Mi', memoryLimit: '1Gi' },
      }),
    ).to.deep.equal([])
  })

  it('are held to the same rules as annotations', () => {
    expect(
      complaints({ defaults: { duration: '2h', hots: 'x', routes: '[{hosts: [a.example]}]' } as never }),
    ).to.deep.equal([
      'outbound-jwt.io/duration: got "2h", expected a duration from 60s to 3600s, such as 15m, 900s or 900',
      'outbound-jwt.io/hots: got "x", expected a known annotation; did you mean outbound-jwt.io/hosts?',
      'outbound-jwt.io/duration: got "2h", expected no outbound-jwt.io/duration together with outbound-jwt.io/routes',
    ])
  })

  it('may not replace a variable that injection sets, nor name one that is none', () => {
    expect(complaints({ extraEnv: { ROUTES: '[]', AWS_ROLE_ARN: 'x', 'A-B': '1' } })).to.deep.equal([
      'extraEnv.ROUTES: got "[]", expected a variable that injection does not set itself',
      'extraEnv.AWS_ROLE_ARN: got "x", expected a variable that injection does not set itself',
      'extraEnv: got "A-B", expected the name of a variable',
    ])
  })

  it('may not name a listener of the sidecar as egress proxy', () => {
    const allowed =
      'expected another proxy: port 15400 of this pod is the sidecar itself, which would call itself without end'
    expect(complaints({ egressProxy: 'http://localhost:15400' })).to.deep.equal([
      `injection.egressProxy: got "http://localhost:15400", ${allowed}`,
    ])
    expect(complaints({ defaults: { 'egress-proxy': 'http://[::1]:15400' } })).to.deep.equal([
      `outbound-jwt.io/egress-proxy: got "http://[::1]:15400", ${allowed}`,
    ])
    expect(complaints({ egressProxy: 'http://localhost:80' })).to.deep.equal([])
    expect(complaints({ egressProxy: 'http://localhost:80', steering: 'hosts' })).to.have.length(1)
  })

  it('leave the sidecar enough memory, and room for its requests', () => {
    const { resources } = INJECTION_DEFAULTS
    expect(complaints({ resources: { ...resources, memoryLimit: '95Mi' } })).to.deep.equal([
      'resources.memoryLimit: got "95Mi", expected at least 96Mi',
    ])
    expect(complaints({ resources: { ...resources, cpuLimit: '5m', memoryRequest: '256Mi' } })).to.deep.equal([
      'resources.cpuLimit: got "5m", expected at least the request, 10m',
      'resources.memoryLimit: got "128Mi", expected at least the request, 256Mi',
    ])
  })
})
