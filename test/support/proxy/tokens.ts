import { ProxyError } from '../../../proxy/src/errors.ts'
import type { TokenRequest, Tokens } from '../../../proxy/src/tokens/token-request.ts'

/** A token source whose answers a test decides. */
export interface FakeTokens extends Tokens {
  readonly asked: TokenRequest[]
  /** Tokens that partners did not accept. */
  readonly rejected: string[]
  /** What `get` returns next and from then on. */
  answer: () => string | Promise<string>
}

/** Looks like a JWT to everything that guards against leaking one. */
export const TEST_TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJl'

/** Creates tokens that are cached from the start. */
export function createFakeTokens(): FakeTokens {
  const asked: TokenRequest[] = []
  const rejected: string[] = []
  const fake: FakeTokens = {
    asked,
    rejected,
    reject: (_request, value) => void rejected.push(value),
    answer: () => TEST_TOKEN,
    holds: ({ key }) => asked.some((request) => request.key === key),
    get: (request) => {
      asked.push(request)
      return fake.answer()
    },
  }
  return fake
}

export const denied = (): Promise<string> => Promise.reject(new ProxyError('token_denied'))
