import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { parseRoutes } from '../../../proxy/src/contract.ts'
import { createRouter } from '../../../proxy/src/routing/router.ts'
import type { Refusal, Tunnel } from '../../../proxy/src/routing/router.ts'
import { compileRules } from '../../../proxy/src/routing/rules.ts'

const [REFUSING, TUNNELLING] = parseRoutes(
  JSON.stringify([
    { hosts: ['api.partner.example', 'alt.partner.example:8443', '*.wild.example'] },
    { hosts: ['blind.partner.example', 'odd.partner.example:80'], https: 'tunnel' },
  ]),
  'ROUTES',
  (problem) => expect.fail(JSON.stringify(problem)),
)

describe('the decision about a CONNECT', () => {
  const cases: readonly (readonly [string, object])[] = [
    ['other.example:443', { mode: 'blind', host: 'other.example', port: 443, route: undefined }],
    ['OTHER.example.:22', { mode: 'blind', host: 'other.example', port: 22, route: undefined }],
    ['10.0.0.1:5432', { mode: 'blind', host: '10.0.0.1', port: 5432, route: undefined }],
    ['[2001:db8::1]:443', { mode: 'blind', host: '2001:db8::1', port: 443, route: undefined }],
    ['blind.partner.example:443', { mode: 'blind', route: TUNNELLING }],
    [
      'api.partner.example:80',
      { mode: 'plain', scheme: 'http', host: 'api.partner.example', port: 80, route: REFUSING },
    ],
    ['blind.partner.example:80', { mode: 'plain', route: TUNNELLING }],
    ['odd.partner.example:80', { mode: 'plain', route: TUNNELLING }],
    ['Api.Partner.Example.:443', { refused: 'use_http_url', host: 'api.partner.example' }],
    ['a.b.wild.example:443', { refused: 'use_http_url', host: 'a.b.wild.example' }],
    ['alt.partner.example:8443', { refused: 'use_http_url' }],
    ['alt.partner.example:443', { refused: 'port_denied', message: 'alt.partner.example has a rule for port 8443.' }],
    ['odd.partner.example:443', { refused: 'port_denied' }],
    ['blind.partner.example:22', { refused: 'port_denied' }],
    ['127.0.0.1:15400', { refused: 'address_denied', host: '127.0.0.1' }],
    ['[::ffff:169.254.169.254]:80', { refused: 'address_denied' }],
    ['api.partner.example', { refused: 'bad_request_target', host: '', hint: 'Send CONNECT host:port.' }],
    ['http://api.partner.example:80', { refused: 'bad_request_target' }],
    ['0x7f.1:80', { refused: 'bad_request_target' }],
    ['', { refused: 'bad_request_target' }],
  ]
  for (const [authority, decision] of cases)
    it(`decides ${authority || 'nothing at all'}`, () => {
      expect(decide(authority)).to.include(decision)
    })

  it('names the URL that reaches the partner from every client: without a port', () => {
    for (const authority of ['alt.partner.example:8443', 'alt.partner.example:1'])
      expect(decide(authority)).to.include({
        hint: 'Call http://alt.partner.example/ instead; the proxy speaks TLS to the partner.',
      })
  })

  it('denies hosts without a rule where the pod does', () => {
    expect(decide('other.example:443', 'deny')).to.include({ refused: 'host_denied' })
    expect(decide('10.0.0.1:443', 'deny')).to.include({ refused: 'host_denied' })
    expect(decide('api.partner.example:80', 'deny')).to.include({ mode: 'plain' })
  })

  it('says what to do about a denied host in the words of whoever runs it', () => {
    const deps = {
      rules: compileRules([]),
      unmatched: 'deny',
      addresses: { allowLocalUpstreams: false, ownPorts: [], steeredPorts: [], ownAddresses: [] },
    } as const
    const hints = { hostDenied: 'List it.', portDenied: String }
    expect(createRouter({ ...deps, hints }).tunnel('other.example:443')).to.include({ hint: 'List it.' })
    expect(createRouter(deps).tunnel('other.example:443')).not.to.have.property('hint')
  })

  it('never opens a blind tunnel to a partner that did not ask for it, in any spelling', () => {
    const spelling = fc
      .constantFrom('api.partner.example', 'alt.partner.example', 'x.wild.example')
      .chain((host) => fc.tuple(fc.mixedCase(fc.constant(host)), fc.constantFrom('', '.')))
    fc.assert(
      fc.property(spelling, fc.integer({ min: 1, max: 65535 }), ([host, dot], port) => {
        expect(decide(`${host}${dot}:${port}`)).not.to.include({ mode: 'blind' })
      }),
    )
  })
})

function decide(authority: string, unmatched: 'passthrough' | 'deny' = 'passthrough'): Tunnel | Refusal {
  const router = createRouter({
    rules: compileRules([REFUSING!, TUNNELLING!]),
    unmatched,
    addresses: { allowLocalUpstreams: false, ownPorts: [15400], steeredPorts: [], ownAddresses: [] },
  })
  return router.tunnel(authority)
}
