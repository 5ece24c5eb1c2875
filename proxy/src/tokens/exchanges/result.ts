import { TokenFailure } from '../failures.ts'
import { MINIMUM_REMAINING_MS } from '../policy.ts'
import { LARGEST_TOKEN_BYTES } from '../token.ts'
import type { Token } from '../token.ts'

/** Where an answer does not say how long its token lives. */
export const UNSAID_SECONDS = 300
/** A token that lives longer is exchanged again all the same: what it stands for may have changed. */
const LONGEST_SECONDS = 86_400

/**
 * Checks what an exchange ends with.
 * @param expiresIn seconds, as the partner wrote them; RFC 6749 §5.1 wants a number, some write a text or nothing.
 * @param unsaid seconds that count where they are missing, not a number, or not positive.
 * @throws TokenFailure
 */
export async function resultOf(value: unknown, expiresIn: unknown, unsaid: number = UNSAID_SECONDS): Promise<Token> {
  if (typeof value !== 'string' || value === '')
    throw new TokenFailure('unusable_answer', 'the answer of the token endpoint has no token')
  // SECURITY: it becomes the value of a header field. RFC 9110 §5.5; RFC 6749 appendix A.12.
  if (!/^[\x20-\x7e]+$/.test(value) || value !== value.trim())
    throw new TokenFailure('unusable_answer', 'the token has characters that no header may have')
  if (value.length > LARGEST_TOKEN_BYTES)
    throw new TokenFailure(
      'token_too_large',
      `the token has ${value.length} bytes, at most ${LARGEST_TOKEN_BYTES} can be sent`,
    )
  const expiresInMs = Math.min(secondsOf(expiresIn) ?? unsaid, LONGEST_SECONDS) * 1000
  if (expiresInMs <= MINIMUM_REMAINING_MS)
    throw new TokenFailure('unusable_answer', `the token lives ${expiresInMs / 1000} s, which is too short to use`)
  const { readEvidence } = await import('../jwt.ts')
  try {
    return { value, expiresInMs, evidence: readEvidence(value) }
  } catch {
    // Opaque, as most are.
    return { value, expiresInMs, evidence: undefined }
  }
}

function secondsOf(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined
}
