import { errorCode } from '../../runtime/index.ts'
import { TokenFailure } from '../failures.ts'
import { MINIMUM_REMAINING_MS, SOURCE_LIMITS } from '../policy.ts'
import type { Clock } from '../time.ts'
import type { Token, TokenEvidence, TokenSource } from '../token.ts'

/** A projected service account token. */
export interface KubernetesTokenSpec {
  readonly source: 'kubernetes'
  /** Exactly one; the kubelet knows no more. */
  readonly audience: readonly string[]
  /** What the volume asks for; the kubelet renews the file at 80 % of it. */
  readonly durationSeconds: number
  readonly tokenFile: string
}

export interface KubernetesSourceDeps {
  /** Reads a text file. */
  readonly readFile: (path: string) => Promise<string>
  readonly clock: Clock
}

/**
 * The newest token is the one in its file, read anew each time. Its life is what is left of it, so that the same token before its rotation is
 * only closer to its end: it is looked for again after half of that, not in a loop.
 */
export function createKubernetesSource({ readFile, clock }: KubernetesSourceDeps): TokenSource<KubernetesTokenSpec> {
  return {
    limits: SOURCE_LIMITS,
    timeout: 'token_file_unreadable',
    warm: () => Promise.resolve(),
    mint: async ({ spec }) => check(spec, await read(spec.tokenFile)),
  }

  async function read(path: string): Promise<string> {
    let value: string
    try {
      value = (await readFile(path)).trim()
    } catch (error) {
      throw new TokenFailure('token_file_unreadable', errorCode(error))
    }
    if (value === '') throw new TokenFailure('token_file_unreadable', 'the file is empty')
    return value
  }

  /** SECURITY: a token for another audience would be good at another partner. */
  async function check({ audience }: KubernetesTokenSpec, value: string): Promise<Token> {
    const evidence = await evidenceOf(value)
    if (evidence.audience.length !== 1 || evidence.audience[0] !== audience[0])
      throw new TokenFailure('unusable_answer', `the projected token is not for ${audience.join(', ')} alone`)
    const expiresInMs = evidence.expiresAt * 1000 - clock.now().wallMs
    if (expiresInMs <= MINIMUM_REMAINING_MS) throw new TokenFailure('identity_token_expired')
    return { value, expiresInMs, evidence }
  }
}

async function evidenceOf(value: string): Promise<TokenEvidence> {
  const { readEvidence } = await import('../jwt.ts')
  try {
    return readEvidence(value)
  } catch (error) {
    throw new TokenFailure('unusable_answer', (error as TypeError).message)
  }
}
