import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { createFirstProxied } from '../../../../webhook/src/injection/application/bypass.ts'

describe('the first host that a client calls through its proxy', () => {
  it('is the first that no pattern fits, compared one by one', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 4 })
    const texts = fc.array(text, { maxLength: 4 })
    fc.assert(
      fc.property(texts, texts, texts, texts, (hosts, names, starts, ends) => {
        const isDirect = (host: string): boolean =>
          names.includes(host) ||
          starts.some((start) => host.startsWith(start)) ||
          ends.some((end) => host.endsWith(end))
        expect(createFirstProxied(hosts)({ names: new Set(names), starts, ends })).to.equal(
          hosts.find((host) => !isDirect(host)),
        )
      }),
      { numRuns: 5000 },
    )
  })
})
