import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { describeProblem } from '../../../../proxy/src/contract.ts'
import type { Decision } from '../../../../webhook/src/injection/decide.ts'
import { createInjector } from '../../../../webhook/src/injection/decide.ts'
import type { PolicyRule } from '../../../../webhook/src/injection/policy/rules.ts'
import { createPolicy } from '../../../../webhook/src/injection/policy/policy.ts'
import { askingPod, otherPod } from '../../../support/injection/arbitraries.ts'
import { SETTINGS, policyOf } from '../../../support/injection/cases.ts'
import { applyPatch } from '../../../support/json-patch.ts'

const ALL = { hosts: ['*'], audiences: ['*'], roleArns: ['*'], sources: ['*'], exchanges: ['*'], https: ['*'] }

const podWith = (texts: Readonly<Record<string, string>>): unknown => ({
  metadata: {
    annotations: Object.fromEntries(
      Object.entries({ inject: 'true', ...texts }).map(([key, text]) => [`outbound-jwt.io/${key}`, text]),
    ),
  },
  spec: { containers: [{ name: 'orders', image: 'x' }] },
})
const decide = (rules: readonly object[], texts: Readonly<Record<string, string>>, namespace = 'shop'): Decision => {
  const policy = policyOf(rules)
  return createInjector(SETTINGS, () => policy)({ pod: podWith(texts), mode: 'pod', operation: 'CREATE', namespace })
}
const problems = (...args: Parameters<typeof decide>): readonly string[] => {
  const decision = decide(...args)
  return decision.kind === 'deny' ? decision.problems.map(describeProblem) : []
}
const rule = (lists: object, namespaces = ['shop'], name = 'a'): object => ({ name, namespaces, ...lists })

const HOST = { hosts: 'api.partner.example' }
const GRANT = { hosts: ['api.partner.example'], audiences: ['https://api.partner.example'], sources: ['aws'] }

describe('a policy', () => {
  it('holds token files to what one rule grants, and names the file that asks for more', () => {
    const files = { 'token-files': '[{name: a, audience: [urn:a]}, {name: b, audience: [urn:b]}]' }
    const grant = rule({ audiences: ['urn:a'], sources: ['aws'] })
    expect(problems([grant], files)).to.deep.equal([
      'outbound-jwt.io/token-files[1].audience: got "urn:b", expected an audience that the policy of this cluster grants to namespace shop: urn:a',
    ])
    expect(decide([rule({ audiences: ['urn:*'], sources: ['aws'] })], files).kind).to.equal('inject')
    const halves = [rule({ audiences: ['urn:*'] }), rule({ sources: ['aws'] }, ['shop'], 'b')]
    expect(problems(halves, files)).to.have.lengthOf(2)
    const vault = '{type: vault, address: "https://v.example", role: r}'
    const exchanged = { 'token-files': `[{name: a, audience: [urn:a], exchange: ${vault}}]` }
    expect(problems([grant], exchanged).join()).to.include('token-files[0].exchange: got "v.example", expected a host')
  })

  it('that grants everything everywhere changes no decision', () => {
    const policy = policyOf([rule(ALL, ['*'])])
    const free = createInjector(SETTINGS)
    const held = createInjector(SETTINGS, () => policy)
    fc.assert(
      fc.property(fc.oneof(askingPod, otherPod), fc.constantFrom('pod', 'namespace'), (pod, mode) => {
        const request = { pod, mode, operation: 'CREATE', namespace: 'shop' } as const
        expect(held(request)).to.deep.equal(free(request))
      }),
      { numRuns: 300 },
    )
  })

  it('that has no rule for the namespace lets no pod in, and refuses none that does not ask', () => {
    const policy = policyOf([rule(ALL, ['other', 'sho', 'shop-*'])])
    const inject = createInjector(SETTINGS, () => policy)
    fc.assert(
      fc.property(askingPod, otherPod, (asking, other) => {
        const request = { mode: 'pod', operation: 'CREATE', namespace: 'shop' } as const
        expect(inject({ ...request, pod: asking }).kind).to.equal('deny')
        expect(inject({ ...request, pod: other }).reason).to.equal('not-requested')
      }),
      { numRuns: 300 },
    )
  })

  it('needs every list: one that is missing grants nothing', () => {
    const asked = { ...HOST, https: 'intercept', 'role-arn': 'arn:aws:iam::123456789012:role/a', region: 'eu-west-1' }
    const full = { ...GRANT, https: ['intercept'], roleArns: ['arn:aws:iam::*:role/a'] }
    expect(decide([rule(full)], asked).kind).to.equal('inject')
    for (const missing of Object.keys(full))
      expect(problems([rule({ ...full, [missing]: undefined })], asked), missing).to.have.lengthOf(1)
  })

  it('grants a route from one rule, and each route from its own', () => {
    const second = { hosts: ['b.example'], audiences: ['urn:b'], sources: ['aws'] }
    const rules = [rule(GRANT), rule(second, ['shop'], 'b')]
    const routes = '[{hosts: [api.partner.example]}, {hosts: [b.example], audience: [urn:b]}]'
    expect(decide(rules, { routes }).kind).to.equal('inject')
    const mixed = '[{hosts: [api.partner.example], audience: [urn:b]}]'
    expect(problems(rules, { routes: mixed })).to.deep.equal([
      'outbound-jwt.io/routes[0].hosts: got "api.partner.example urn:b aws", expected all of it from one rule of the policy of this cluster; those of namespace shop are a (hosts: api.partner.example; audiences: https://api.partner.example; roleArns: none; sources: aws; exchanges: none; https: none), b (hosts: b.example; audiences: urn:b; roleArns: none; sources: aws; exchanges: none; https: none)',
    ])
  })

  it('does not look at ports, nor at https: refuse, nor at a role that comes from elsewhere', () => {
    expect(decide([rule(GRANT)], { hosts: 'api.partner.example:8443', https: 'refuse' }).kind).to.equal('inject')
  })

  it('grants a wildcard by a glob that is at least as wide', () => {
    const wild = (glob: string): string =>
      decide([rule({ ...GRANT, hosts: [glob], audiences: ['*'] })], { hosts: '*.a.example' }).kind
    expect(['*', '*.example', '*.a.example', '*a.example'].map(wild)).to.deep.equal(Array(4).fill('inject'))
    expect(['b.a.example', 'x*.a.example', '*.b.a.example', 'a.example'].map(wild)).to.deep.equal(Array(4).fill('deny'))
  })

  it('wants a grant for the token endpoint, whichever exchange it is of', () => {
    const account = 'projects/1/locations/global/workloadIdentityPools/pool/providers/prov'
    for (const [exchange, ...hosts] of [
      ['{type: oauth2, tokenUrl: "https://login.b.example:8443/token?x=1", grant: jwt-bearer}', 'login.b.example'],
      ['{type: vault, address: "https://vault.example:8200", role: a}', 'vault.example'],
      [`{type: google, audience: "//iam.googleapis.com/${account}"}`, 'sts.googleapis.com'],
      [
        `{type: google, audience: "//iam.googleapis.com/${account}", serviceAccount: a@b.iam.gserviceaccount.com}`,
        'sts.googleapis.com',
        'iamcredentials.googleapis.com',
      ],
      ['{preset: openai, identityProviderId: idp_1, serviceAccountId: sa_1}', 'auth.openai.com'],
    ] as const) {
      const routes = `[{hosts: [api.partner.example], audience: [urn:a], exchange: ${exchange}}]`
      const lists = { ...GRANT, audiences: ['*'], exchanges: ['*'] }
      expect(decide([rule({ ...lists, hosts: [...lists.hosts, ...hosts] })], { routes }).kind, exchange).to.equal(
        'inject',
      )
      for (const host of hosts) {
        const others = hosts.filter((one) => one !== host)
        expect(problems([rule({ ...lists, hosts: [...lists.hosts, ...others] })], { routes })[0], host).to.match(
          new RegExp(`^outbound-jwt\\.io/routes\\[0\\]\\.exchange: got "${host}", expected a host that the policy`),
        )
      }
    }
  })

  it('says what this namespace may have, cut to what a person reads, and nothing of another namespace', () => {
    const many = Array.from({ length: 30 }, (_, index) => `h${index}.example`)
    const rules = [rule({ ...GRANT, hosts: many }), rule({ ...ALL, hosts: ['secret.example'] }, ['other'], 'secret')]
    const said = problems(rules, { hosts: 'evil.example' })
    expect(said[0]).to.match(/got "evil\.example", expected a host .* h0\.example, .*h19\.example and 10 more$/)
    expect(said.join()).not.to.contain('secret')
  })

  it('grants nothing to a pod of no namespace but what it grants everywhere', () => {
    const policy = policyOf([rule(GRANT, ['shop'])])
    const request = { pod: podWith(HOST), mode: 'pod', operation: 'CREATE' } as const
    expect(createInjector(SETTINGS, () => policy)(request).reason).to.equal('policy-denied')
    expect(decide([rule(GRANT, ['*'])], HOST, '').kind).to.equal('inject')
  })

  it('holds for pods that come injected, and for the later rounds of an admission', () => {
    let policy = policyOf([rule(GRANT)])
    const inject = createInjector(SETTINGS, () => policy)
    const pod = podWith(HOST)
    const request = { mode: 'pod', operation: 'CREATE', namespace: 'shop' } as const
    const decision = inject({ ...request, pod })
    if (decision.kind !== 'inject') expect.fail(decision.reason)
    const injected = applyPatch<unknown>(pod, decision.patch)
    expect(inject({ ...request, pod: injected }).reason).to.equal('unchanged')
    expect(inject({ ...request, pod: injected, namespace: 'other' })).to.include({
      kind: 'deny',
      reason: 'policy-denied',
    })
    policy = policyOf([rule({ ...GRANT, hosts: ['b.example'] })])
    expect(inject({ ...request, pod: injected }).reason).to.equal('policy-denied')
  })

  it('that changes counts for the next pod, also with annotations that were seen before', () => {
    let policy = policyOf([rule(GRANT)])
    const inject = createInjector(SETTINGS, () => policy)
    const request = { pod: podWith(HOST), mode: 'pod', operation: 'CREATE', namespace: 'shop' } as const
    expect(inject(request).kind).to.equal('inject')
    policy = policyOf([rule(GRANT, ['other'])])
    expect(inject(request).reason).to.equal('policy-denied')
    policy = policyOf([rule(GRANT)])
    expect(inject(request).kind).to.equal('inject')
  })

  it('says which rules there are only as often, and of as many, as a person reads', () => {
    let said = 0
    const rules = Array.from({ length: 1000 }, (_, index): PolicyRule => {
      const lists = { hosts: [`h${index}.example`], audiences: [`a${index}`], sources: ['aws'] }
      return {
        ...{ namespaces: ['*'], roleArns: [], exchanges: [], https: [], ...lists },
        get name() {
          said += 1
          return 'a'
        },
      }
    })
    const asked = Array.from({ length: 240 }, (_, index) => `{hosts: [h${index}.example], audience: [a999]}`)
    const policy = createPolicy(rules)
    const pod = podWith({ routes: `[${asked.join(', ')}]` })
    const request = { pod, mode: 'pod', operation: 'CREATE', namespace: 'shop' } as const
    const decision = createInjector(SETTINGS, () => policy)(request)
    if (decision.kind !== 'deny') expect.fail(decision.kind)
    expect(decision.problems.map(describeProblem)[39]).to.include('a (hosts: h0.example')
    expect(said).to.equal(40 * 20)
  })
})
