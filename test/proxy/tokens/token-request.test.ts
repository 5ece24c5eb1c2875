import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { AwsTokenSpec } from '../../../proxy/src/tokens/sources/aws/mint.ts'
import { tokenRequest } from '../../../proxy/src/tokens/token-request.ts'

const SPEC: AwsTokenSpec = {
  source: 'aws',
  audience: ['a', 'b'],
  signingAlgorithm: 'RS256',
  durationSeconds: 900,
  tags: { a: '1', b: '2' },
}
const key = (spec: AwsTokenSpec): string => tokenRequest('any', spec).key

const specs: fc.Arbitrary<AwsTokenSpec> = fc.record({
  source: fc.constant('aws'),
  audience: fc.array(fc.string(), { minLength: 1, maxLength: 3 }),
  signingAlgorithm: fc.constantFrom('RS256', 'ES384'),
  durationSeconds: fc.integer({ min: 60, max: 3_600 }),
  tags: fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
})

describe('the key of a token', () => {
  it('is the same for the same token, in whatever order its spec is written, and by whichever route', () => {
    const { tags, ...rest } = SPEC
    expect(key({ tags: { b: '2', a: '1' }, ...rest })).to.equal(key({ ...rest, tags }))
    expect(tokenRequest('x', SPEC).key).to.equal(tokenRequest('y', SPEC).key)
  })

  it('differs whenever the token would', () => {
    const canonical = ({ tags, ...rest }: AwsTokenSpec): string => JSON.stringify([rest, Object.entries(tags).sort()])
    fc.assert(
      fc.property(specs, specs, (one, other) => {
        expect(key(one) === key(other)).to.equal(canonical(one) === canonical(other))
      }),
    )
  })

  it('covers every field of a spec, also one that this test does not know', () => {
    const more = { ...SPEC, exchange: { type: 'oauth2', scope: ['x'] } }
    expect(key(more)).not.to.equal(key(SPEC))
    expect(key(more)).not.to.equal(key({ ...more, exchange: { type: 'oauth2', scope: ['y'] } } as AwsTokenSpec))
  })

  it('cannot be imitated by separators inside a value', () => {
    expect(key(SPEC)).not.to.equal(key({ ...SPEC, audience: ['a","b'] }))
    expect(key(SPEC)).not.to.equal(key({ ...SPEC, audience: ['a,b'] }))
  })
})
