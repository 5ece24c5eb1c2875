import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parseRoutes } from '../../../../proxy/src/contract.ts'
import { wideWildcardWarnings } from '../../../../webhook/src/injection/annotations/wide-wildcards.ts'

describe('a wildcard with an audience of its own', () => {
  for (const [kind, host] of [
    ['a registry', '*.co.uk'],
    ['a company that gives names to its customers', '*.github.io'],
    ['a registry, on another port', '*.com.br:8443'],
  ] as const)
    it(`is warned of below a suffix of ${kind}`, () => {
      expect(warnings([host], ['https://partner.example'])).to.deep.equal([
        `partner: anybody may own a name under ${host}, and each gets a token for https://partner.example. Write exact hosts.`,
      ])
    })

  for (const host of ['*.partner.co.uk', '*.partner.example', '*.svc.internal', 'co.uk', 'partner.github.io'])
    it(`is not warned of as ${host}, which has one owner`, () => {
      expect(warnings([host], ['https://partner.example'])).to.deep.equal([])
    })

  it('is not seen where the list has names below it alone, as docs/security.md says', () => {
    expect(warnings(['*.core.windows.net', '*.amazonaws.com'], ['https://partner.example'])).to.deep.equal([])
    expect(warnings(['*.blob.core.windows.net', '*.s3.amazonaws.com'], ['https://partner.example'])).to.have.length(2)
  })

  it('is not warned of without the audience, as each host has a token of its own', () => {
    expect(warnings(['*.co.uk'], undefined)).to.deep.equal([])
  })
})

function warnings(hosts: readonly string[], audience: readonly string[] | undefined): readonly string[] {
  const problems: unknown[] = []
  const [route] = parseRoutes(JSON.stringify([{ name: 'partner', hosts, audience }]), 'ROUTES', (problem) =>
    problems.push(problem),
  )
  expect(problems).to.deep.equal([])
  return wideWildcardWarnings(route!)
}
