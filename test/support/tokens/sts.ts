import type { Answer, MintParameters, Session, StsPort } from '../../../proxy/src/tokens/sources/aws/mint.ts'
import { claimsOfAws, unsignedJwt } from './jwt.ts'

export interface FakeSts extends StsPort {
  /** What was asked, in order: `session`, `renew`, or the duration of a token. */
  readonly asked: (string | number)[]
  session: (renew: boolean, signal: AbortSignal) => Promise<Session>
  /** What GetWebIdentityToken does; a test may replace it. */
  answer: (parameters: MintParameters, call: number) => Answer | Promise<Answer>
}

/** An STS that mints what it is asked for, at the given time, with a session whose end is not known. */
export function createFakeSts(nowMs: () => number): FakeSts {
  let calls = 0
  const fake: FakeSts = {
    asked: [],
    session: () => Promise.resolve({ endsWallMs: undefined }),
    answer: (parameters) => answerOf(tokenOf(parameters, nowMs())),
    getWebIdentityToken: async (parameters) => {
      fake.asked.push(parameters.durationSeconds)
      return fake.answer(parameters, ++calls)
    },
  }
  return fake
}

export const answerOf = (jwt: string | undefined, fields: Partial<Answer> = {}): Answer => ({
  jwt,
  expiresMs: undefined,
  clockOffsetMs: 0,
  ...fields,
})

/** A token as STS would mint it now. */
export function tokenOf(
  parameters: MintParameters,
  nowMs: number,
  claims: Readonly<Record<string, unknown>> = {},
): string {
  const iat = Math.floor(nowMs / 1000)
  const { audience, durationSeconds, signingAlgorithm } = parameters
  return unsignedJwt(
    claimsOfAws({ aud: audience.length === 1 ? audience[0] : audience, iat, exp: iat + durationSeconds, ...claims }),
    { alg: signingAlgorithm },
  )
}

/** An error of STS, as the SDK throws it. */
export function stsError(name: string, message = 'in the words of AWS', status = 403): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } })
}
