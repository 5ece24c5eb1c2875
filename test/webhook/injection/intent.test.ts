import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { Decision } from '../../../webhook/src/injection/decide.ts'
import { createInjector } from '../../../webhook/src/injection/decide.ts'
import { createIntentReader } from '../../../webhook/src/injection/intent.ts'
import { createRefusals } from '../../../webhook/src/injection/outcome.ts'
import type { InjectionSettings } from '../../../webhook/src/injection/settings.ts'
import { askingPod, hostileJson, otherPod } from '../../support/injection/arbitraries.ts'
import { SETTINGS } from '../../support/injection/cases.ts'

const settings: InjectionSettings = { ...SETTINGS, defaults: { hosts: 'default.partner.example' } }

const podWith = (texts: Readonly<Record<string, unknown>>, spec: object = {}): unknown => ({
  metadata: { annotations: Object.fromEntries(Object.entries(texts).map(([k, v]) => [`outbound-jwt.io/${k}`, v])) },
  spec: { containers: [{ name: 'orders' }], ...spec },
})

describe('what annotations mean, remembered', () => {
  it('decides on every pod as if it were the first', () => {
    const mode = fc.constantFrom('pod', 'namespace')
    const pods = fc.array(fc.tuple(fc.oneof(askingPod, otherPod, hostileJson), mode), { minLength: 1, maxLength: 5 })
    const inject = createInjector(settings)
    fc.assert(
      fc.property(pods, (requests) => {
        for (const [pod, asked] of [...requests, ...requests]) {
          const request = { pod, mode: asked, operation: 'CREATE' } as const
          expect(JSON.stringify(inject(request))).to.equal(JSON.stringify(createInjector(settings)(request)))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('tells the mode, a name from a value, and a number from its text apart', () => {
    const inject = createInjector(settings)
    const decide = (pod: unknown, mode: 'pod' | 'namespace' = 'pod'): Decision =>
      inject({ pod, mode, operation: 'CREATE' })
    expect(decide(podWith({ inject: 'true' }), 'namespace').kind).to.equal('inject')
    expect(decide(podWith({ inject: 'true' })).reason).to.equal('no-audience')
    const long = { inject: 'true', hosts: 'a.partner.example' }
    expect(decide(podWith({ ...long, 'proxy-port': '16400' })).kind).to.equal('inject')
    expect(decide(podWith({ ...long, 'proxy-port': 16400 })).reason).to.equal('invalid-annotation')
    expect(decide(podWith({ ...long, 'proxy-port': ['16400'] })).reason).to.equal('invalid-annotation')
  })

  it('refuses a malformed annotation each time, and an impossible pod beside a possible one', () => {
    const inject = createInjector(settings)
    const decide = (pod: unknown): string => inject({ pod, mode: 'pod', operation: 'CREATE' }).reason
    const good = { inject: 'true', hosts: 'a.partner.example' }
    const bad = podWith({ ...good, duration: 'soon' })
    const impossible = podWith(good, { hostNetwork: true })
    expect([bad, bad, impossible, podWith(good), impossible, podWith(good)].map(decide)).to.deep.equal([
      'invalid-annotation',
      'invalid-annotation',
      'host-network',
      'injected',
      'host-network',
      'injected',
    ])
  })

  it('keeps what annotations mean until 256 Ki characters of others were read, and never what was refused', () => {
    const read = createIntentReader(settings)
    const intentOf = (texts: Readonly<Record<string, string>>): object =>
      read(new Map(Object.entries({ inject: 'true', ...texts })), 'pod', createRefusals())
    const asked = { hosts: 'a.partner.example' }
    const first = intentOf(asked)
    expect(intentOf(asked)).to.equal(first)
    const refused = { ...asked, duration: 'soon' }
    expect(intentOf(refused)).not.to.equal(intentOf(refused))
    for (let index = 0; index < 256; index += 1)
      intentOf({ hosts: `b${index}.partner.example`, 'no-proxy': Array(100).fill('10.0.0.1').join(',') })
    expect(intentOf(asked)).to.equal(first)
    for (let index = 0; index < 300; index += 1)
      intentOf({ hosts: `c${index}.partner.example`, 'no-proxy': Array(100).fill('10.0.0.1').join(',') })
    expect(intentOf(asked)).not.to.equal(first)
  })
})
