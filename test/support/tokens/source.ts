import { TokenFailure } from '../../../proxy/src/tokens/failures.ts'
import type { FailureReason } from '../../../proxy/src/tokens/failures.ts'
import { SOURCE_LIMITS } from '../../../proxy/src/tokens/policy.ts'
import type { AwsTokenSpec } from '../../../proxy/src/tokens/sources/aws/mint.ts'
import type { MintRequest, Token, TokenSource } from '../../../proxy/src/tokens/token.ts'

type Request = MintRequest<AwsTokenSpec>

/** One call that the test answers when it likes. */
export interface PendingMint {
  readonly request: Request
  readonly signal: AbortSignal
  succeed(fields?: Partial<Token>): void
  fail(reason: FailureReason): void
}

export interface FakeSource extends TokenSource<AwsTokenSpec> {
  /** Every call so far, oldest first. */
  readonly calls: PendingMint[]
  /** Answers calls at once from now on; without it they stay pending. A reason fails them. */
  answer: ((request: Request) => Token | FailureReason) | undefined
  /** What finding credentials beforehand ends with. */
  warming: Promise<void>
}

/** A new token every time: `token-1`, `token-2`, … */
export function createFakeSource(): FakeSource {
  let minted = 0
  const token = (fields: Partial<Token> = {}): Token => ({
    value: `token-${++minted}`,
    expiresInMs: 900_000,
    evidence: undefined,
    ...fields,
  })
  const fake: FakeSource = {
    calls: [],
    answer: undefined,
    warming: Promise.resolve(),
    limits: SOURCE_LIMITS,
    timeout: 'sts_timeout',
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

export const minted = (fields: Partial<Token> = {}): Token => fields as Token

/** For tests of one source: the others mint nothing. */
export const unusedSource: TokenSource<never> = {
  limits: SOURCE_LIMITS,
  timeout: 'unknown',
  warm: () => Promise.reject(new TokenFailure('unknown', 'this source was not expected to be used')),
  mint: () => Promise.reject(new TokenFailure('unknown', 'this source was not expected to be used')),
}
