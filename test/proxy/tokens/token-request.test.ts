import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { TokenRequest } from '../../../proxy/src/tokens/token-request.ts'
import { tokenRequest } from '../../../proxy/src/tokens/token-request.ts'

type Parts = Omit<TokenRequest, 'key' | 'route'>
const key = (parts: Parts): string => tokenRequest({ ...parts, route: 'any' }).key

const parts: fc.Arbitrary<Parts> = fc.record({
  audience: fc.array(fc.string(), { minLength: 1, maxLength: 3 }),
  signingAlgorithm: fc.constantFrom('RS256', 'ES384'),
  durationSeconds: fc.integer({ min: 60, max: 3_600 }),
  tags: fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
})

describe('the key of a token', () => {
  it('is the same for the same token, in whatever order its tags are written, and by whichever route', () => {
    const one = { audience: ['a'], signingAlgorithm: 'RS256', durationSeconds: 900, tags: { a: '1', b: '2' } } as const
    expect(key(one)).to.equal(key({ ...one, tags: { b: '2', a: '1' } }))
    expect(tokenRequest({ ...one, route: 'x' }).key).to.equal(tokenRequest({ ...one, route: 'y' }).key)
  })

  it('differs whenever the token would', () => {
    const canonical = ({ tags, ...rest }: Parts): string => JSON.stringify([rest, Object.entries(tags).sort()])
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(key(one) === key(other)).to.equal(canonical(one) === canonical(other))
      }),
    )
  })

  it('cannot be imitated by separators inside a value', () => {
    const one = { audience: ['a', 'b'], signingAlgorithm: 'RS256', durationSeconds: 900, tags: {} } as const
    expect(key(one)).not.to.equal(key({ ...one, audience: ['a","b'] }))
    expect(key(one)).not.to.equal(key({ ...one, audience: ['a,b'] }))
  })
})
