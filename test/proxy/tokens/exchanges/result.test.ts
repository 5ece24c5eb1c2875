import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { TokenFailure } from '../../../../proxy/src/tokens/failures.ts'
import { resultOf } from '../../../../proxy/src/tokens/exchanges/result.ts'
import { unsignedJwt } from '../../../support/tokens/jwt.ts'

const reasonOf = (value: unknown, expiresIn: unknown = 3_600): Promise<string> =>
  resultOf(value, expiresIn).then(
    () => 'taken',
    (error: unknown) => (error as TokenFailure).reason,
  )

describe('the result of an exchange', () => {
  it('lives as long as the partner says, as a number or as a text', async () => {
    for (const seconds of [3_599, '3599', 3_599.0])
      expect((await resultOf('opaque', seconds)).expiresInMs).to.equal(3_599_000)
  })

  it('lives 300 s, or what is configured, where the partner says nothing usable', async () => {
    for (const expiresIn of [undefined, null, 0, -1, '', ' ', 'soon', Number.NaN, true, {}]) {
      expect((await resultOf('opaque', expiresIn)).expiresInMs, JSON.stringify(expiresIn)).to.equal(300_000)
      expect((await resultOf('opaque', expiresIn, 1_200)).expiresInMs, JSON.stringify(expiresIn)).to.equal(1_200_000)
    }
  })

  it('lives a day at most: timers of Node that are longer than 24.8 days fire at once', async () => {
    expect((await resultOf('opaque', 1e9)).expiresInMs).to.equal(86_400_000)
  })

  it('is refused when it would end before it can be used', async () => {
    expect(await reasonOf('opaque', 15)).to.equal('unusable_answer')
    expect(await reasonOf('opaque', 16)).to.equal('taken')
  })

  it('is refused when it is not the value of a header field', async () => {
    for (const value of [undefined, null, 7, '', 'a\r\nX: y', 'a\u0000b', 'a\u007f', 'é', ' a', 'a '])
      expect(await reasonOf(value), JSON.stringify(value)).to.equal('unusable_answer')
    expect(await reasonOf('a'.repeat(16 * 1024 + 1))).to.equal('token_too_large')
  })

  it('has evidence when it is a JWT, and none when it is opaque', async () => {
    expect((await resultOf(unsignedJwt(), 60)).evidence?.jti).to.equal('a-token-id')
    expect((await resultOf('ya29.opaque', 60)).evidence).to.equal(undefined)
  })
})
