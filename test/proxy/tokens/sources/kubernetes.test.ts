import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { TokenFailure } from '../../../../proxy/src/tokens/failures.ts'
import { createKubernetesSource } from '../../../../proxy/src/tokens/sources/kubernetes.ts'
import type { KubernetesTokenSpec } from '../../../../proxy/src/tokens/sources/kubernetes.ts'
import { tokenRequest } from '../../../../proxy/src/tokens/token-request.ts'
import type { Token } from '../../../../proxy/src/tokens/token.ts'
import { createFakeClock } from '../../../support/tokens/clock.ts'
import type { FakeClock } from '../../../support/tokens/clock.ts'
import { createTestEngine } from '../../../support/tokens/engine.ts'
import { claimsOfAws, unsignedJwt } from '../../../support/tokens/jwt.ts'
import { unusedSource } from '../../../support/tokens/source.ts'

const SPEC: KubernetesTokenSpec = {
  source: 'kubernetes',
  audience: ['sts.aliyuncs.com'],
  durationSeconds: 3_600,
  tokenFile: '/var/run/secrets/token',
}
const SUBJECT = 'system:serviceaccount:shop:orders'

/** A kubelet that projected a token now, and renews it at 80 % of its life. */
function projected(clock: FakeClock, claims: Readonly<Record<string, unknown>> = {}): () => string {
  let issuedMs = clock.now().wallMs
  return () => {
    const nowMs = clock.now().wallMs
    if (nowMs - issuedMs >= 0.8 * 3_600_000) issuedMs = nowMs
    const iat = issuedMs / 1000
    return unsignedJwt(
      claimsOfAws({ sub: SUBJECT, aud: SPEC.audience, iat, exp: iat + 3_600, jti: `at-${iat}`, ...claims }),
    )
  }
}

const signal = new AbortController().signal
const mint = (clock: FakeClock, read: () => string | Promise<string>): Promise<Token> =>
  createKubernetesSource({ readFile: async () => read(), clock }).mint({ spec: SPEC, route: 'partner' }, signal)
const reasonOf = (work: Promise<Token>): Promise<string> =>
  work.then(
    () => 'taken',
    (error: unknown) => (error as TokenFailure).reason,
  )

describe('a projected token', () => {
  it('is read from its file, and lives as long as is left of it', async () => {
    const clock = createFakeClock()
    const read = projected(clock)
    clock.shiftWall(600_000)
    const token = await mint(clock, () => `${read()}\n`)
    expect(token.value).to.match(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(token.expiresInMs).to.equal(3_000_000)
    expect(token.evidence).to.include({ subject: SUBJECT })
    expect(token.clockSkewMs).to.equal(undefined)
  })

  it('is refused when it is for another audience, for more than one, or for the API server', async () => {
    const clock = createFakeClock()
    for (const aud of ['other', ['sts.aliyuncs.com', 'other'], [], undefined])
      expect(await reasonOf(mint(clock, projected(clock, { aud }))), JSON.stringify(aud)).to.equal('unusable_answer')
  })

  it('is refused when it has expired, is not there, or is no token', async () => {
    const clock = createFakeClock()
    const { wallMs } = clock.now()
    expect(await reasonOf(mint(clock, projected(clock, { exp: wallMs / 1000 + 15 })))).to.equal(
      'identity_token_expired',
    )
    const gone = (): Promise<string> => Promise.reject(Object.assign(new Error(), { code: 'ENOENT' }))
    expect(await reasonOf(mint(clock, gone))).to.equal('token_file_unreadable')
    expect(await reasonOf(mint(clock, () => '\n'))).to.equal('token_file_unreadable')
    expect(await reasonOf(mint(clock, () => 'not a token'))).to.equal('unusable_answer')
  })

  it('that is the same again before its rotation is no failure and is not read in a loop', async () => {
    const clock = createFakeClock()
    const read = projected(clock)
    let reads = 0
    const readFile = (): Promise<string> => {
      reads++
      return Promise.resolve(read())
    }
    const { tokens, captured } = createTestEngine({
      clock,
      sources: { aws: unusedSource, kubernetes: createKubernetesSource({ readFile, clock }), exchange: unusedSource },
    })
    const request = tokenRequest('partner', SPEC)
    const seen = new Set([await tokens.get(request)])
    for (let minute = 0; minute < 24 * 60; minute++) {
      await clock.advance(60_000)
      const value = tokens.get(request)
      if (typeof value !== 'string') throw new Error(`a request had to wait in minute ${minute}`)
      seen.add(value)
    }
    expect(seen.size).to.be.within(25, 31)
    expect(reads / 24, 'reads an hour').to.be.below(8)
    expect(captured.lines('token not minted')).to.deep.equal([])
  })
})
