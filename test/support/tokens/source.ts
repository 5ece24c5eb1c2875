import { TokenFailure } from '../../../proxy/src/tokens/failures.ts'
import type { FailureReason } from '../../../proxy/src/tokens/failures.ts'
import type { MintedToken, TokenSource } from '../../../proxy/src/tokens/source.ts'
import type { TokenRequest } from '../../../proxy/src/tokens/token-request.ts'
import { ROLE } from './jwt.ts'

/** One call that the test answers when it likes. */
export interface PendingMint {
  readonly request: TokenRequest
  readonly signal: AbortSignal
  succeed(fields?: Partial<MintedToken>): void
  fail(reason: FailureReason): void
}

export interface FakeSource extends TokenSource {
  /** Every call so far, oldest first. */
  readonly calls: PendingMint[]
  /** Answers calls at once from now on; without it they stay pending. A reason fails them. */
  answer: ((request: TokenRequest) => MintedToken | FailureReason) | undefined
  /** What finding credentials beforehand ends with. */
  warming: Promise<void>
}

/** A new token every time: `token-1`, `token-2`, … */
export function createFakeSource(): FakeSource {
  let minted = 0
  const token = (fields: Partial<MintedToken> = {}): MintedToken => ({
    jwt: `token-${++minted}`,
    lifeMs: 900_000,
    clockSkewMs: 0,
    subject: ROLE,
    jti: 'id',
    ...fields,
  })
  const fake: FakeSource = {
    calls: [],
    answer: undefined,
    warming: Promise.resolve(),
    warm: () => fake.warming,
    mint: (request, signal) =>
      new Promise((resolve, reject) => {
        const call: PendingMint = {
          request,
          signal,
          succeed: (fields) => resolve(token(fields)),
          fail: (reason) => reject(new TokenFailure(reason)),
        }
        fake.calls.push(call)
        const answer = fake.answer?.(request)
        if (typeof answer === 'string') call.fail(answer)
        else if (answer) call.succeed(answer)
      }),
  }
  return fake
}

export const minted = (fields: Partial<MintedToken> = {}): MintedToken => fields as MintedToken
