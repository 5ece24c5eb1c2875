import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { constrainTo, intercepts } from '../../../proxy/src/authority/constraints.ts'
import type { InterceptedHost, NameConstraints } from '../../../proxy/src/authority/constraints.ts'

const hosts = (...patterns: string[]): InterceptedHost[] =>
  patterns.map((text) => ({ host: text.replace('*.', ''), wildcard: text.startsWith('*.') }))

/** As verifiers read the constraints: facts of RFC 5280 §4.2.1.10, and a leading dot means subdomains alone. */
function admits({ permitted, excluded }: NameConstraints, name: string): boolean {
  const within = (base: string): boolean =>
    base.startsWith('.') ? name.endsWith(base) : name === base || name.endsWith(`.${base}`)
  return permitted.some(within) && !excluded.some(within)
}

const name = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.'))
const anyHosts = fc.array(fc.record({ host: name, wildcard: fc.boolean() }), { minLength: 1, maxLength: 5 })

describe('the name constraints of a pod’s authority', () => {
  it('permit an exact host without its subdomains, and everything below a wildcard', () => {
    expect(constrainTo(hosts('api.a.example', '*.b.example'))).to.deep.equal({
      permitted: ['api.a.example', 'b.example'],
      excluded: ['.api.a.example'],
    })
  })

  it('exclude nothing that a wildcard next to, above or below an exact host needs', () => {
    for (const patterns of [
      ['a.example', '*.a.example'],
      ['api.a.example', '*.a.example'],
      ['a.example', '*.api.a.example'],
    ])
      expect(constrainTo(hosts(...patterns)), patterns.join()).to.deep.equal({ permitted: ['a.example'], excluded: [] })
  })

  it('keep the subdomains of a host open when another host is one of them, and close those of the latter', () => {
    expect(constrainTo(hosts('a.example', 'api.a.example'))).to.deep.equal({
      permitted: ['a.example'],
      excluded: ['.api.a.example'],
    })
  })

  it('admit every name that is intercepted, whatever the hosts are', () => {
    fc.assert(
      fc.property(anyHosts, name, (patterns, candidate) => {
        if (intercepts(patterns, candidate)) expect(admits(constrainTo(patterns), candidate)).to.equal(true)
        for (const { host } of patterns.filter(({ wildcard }) => !wildcard))
          expect(admits(constrainTo(patterns), host)).to.equal(true)
      }),
    )
  })

  it('admit no name that is neither a host, nor above or below one', () => {
    fc.assert(
      fc.property(anyHosts, name, (patterns, candidate) => {
        const related = patterns.some(({ host }) => host === candidate || candidate.endsWith(`.${host}`))
        if (!related) expect(admits(constrainTo(patterns), candidate)).to.equal(false)
      }),
    )
  })

  it('refuse subdomains of every exact host that has no other host below or wildcard around it', () => {
    fc.assert(
      fc.property(anyHosts, (patterns) => {
        const lone = patterns.filter(
          ({ host, wildcard }) =>
            !wildcard &&
            patterns.every(
              (other) => !other.host.endsWith(`.${host}`) && !(other.wildcard && `.${host}`.endsWith(`.${other.host}`)),
            ),
        )
        for (const { host } of lone) expect(admits(constrainTo(patterns), `x.${host}`)).to.equal(false)
      }),
    )
  })
})

describe('whether a name is intercepted', () => {
  const routes = hosts('api.a.example', '*.b.example')

  it('is told by the exact host or a wildcard of any depth', () => {
    for (const yes of ['api.a.example', 'x.b.example', 'y.x.b.example', 'under_score.b.example'])
      expect(intercepts(routes, yes), yes).to.equal(true)
  })

  it('is denied for the apex of a wildcard, subdomains of a host, and everything else', () => {
    for (const no of ['b.example', 'x.api.a.example', 'a.example', 'evilb.example', ''])
      expect(intercepts(routes, no), no).to.equal(false)
  })

  it('is denied for what is no DNS name in its one spelling', () => {
    for (const no of [
      'X.b.example',
      'x.b.example.',
      'x.b.example:443',
      '*.b.example',
      'x\0.b.example',
      '.b.example',
      'a..b.example',
    ])
      expect(intercepts(routes, no), JSON.stringify(no)).to.equal(false)
    expect(intercepts(routes, `${'a.'.repeat(125)}b.example`)).to.equal(false)
  })
})
