import { ProxyError } from '../errors.ts'
import { errorCode } from '../runtime/error-code.ts'
import { ABSENT_MS, MAXIMUM_ABSENT, UNLISTED_PER_MINUTE } from './policy.ts'
import type { TokenRequest, Tokens, UnlistedHost } from './token-request.ts'

interface UnlistedDeps {
  /** Whether a connection to this host could be tried. @throws ProxyError (as rejection). */
  readonly resolves: (host: UnlistedHost) => Promise<void>
  /** Monotonic, in milliseconds. */
  readonly now: () => number
}

const MINUTE_MS = 60_000

/**
 * Stands before tokens whose audience comes from the host of a request: a client that makes names up under a wildcard must not make
 * STS calls with each. A name gets its first token once it resolves, and so many do within a minute; every other token passes.
 */
export function admitUnlisted(tokens: Tokens, { resolves, now }: UnlistedDeps): Tokens {
  /** When the latest hosts got their first token, oldest first. */
  const admitted: number[] = []
  /** Names that do not exist, and until when that is believed; oldest first. */
  const absent = new Map<string, number>()
  const lookups = new Map<string, Promise<void>>()

  return {
    holds: (request) => tokens.holds(request),
    reject: (request, value) => tokens.reject(request, value),
    get: (request) => {
      const { unlisted } = request
      return unlisted && !tokens.holds(request) ? admit(request, unlisted) : tokens.get(request)
    },
  }

  async function admit(request: TokenRequest, target: UnlistedHost): Promise<string> {
    checkAbsent(target.host)
    checkRate()
    await lookUp(target)
    if (!tokens.holds(request)) {
      // Others may have come first during the lookup.
      checkRate()
      admitted.push(now())
    }
    return tokens.get(request)
  }

  function lookUp(target: UnlistedHost): Promise<void> {
    const key = `${target.host}:${target.port}`
    const running = lookups.get(key)
    if (running) return running
    const lookup = resolves(target)
      .catch((error: unknown) => {
        // Not EAI_AGAIN and the like, which say nothing about the name.
        if (error instanceof ProxyError && errorCode(error.cause) === 'ENOTFOUND') remember(target.host)
        throw error
      })
      .finally(() => lookups.delete(key))
    lookups.set(key, lookup)
    return lookup
  }

  function checkAbsent(host: string): void {
    const untilMs = absent.get(host)
    if (untilMs === undefined) return
    if (now() < untilMs)
      throw new ProxyError('upstream_dns_failed', { message: 'The name did not resolve a moment ago.' })
    absent.delete(host)
  }

  function remember(host: string): void {
    if (absent.size >= MAXIMUM_ABSENT) absent.delete(absent.keys().next().value as string)
    absent.set(host, now() + ABSENT_MS)
  }

  function checkRate(): void {
    const sinceMs = now() - MINUTE_MS
    while (admitted.length > 0 && (admitted[0] as number) <= sinceMs) admitted.shift()
    if (admitted.length < UNLISTED_PER_MINUTE) return
    const waitMs = (admitted[0] as number) - sinceMs
    throw new ProxyError('token_unavailable', {
      message: `More than ${UNLISTED_PER_MINUTE} new hosts of wildcards asked for a token within a minute.`,
      hint: 'Retry later; hosts that are listed by name, or whose route has an audience, are not limited.',
      retryAfterSeconds: Math.ceil(waitMs / 1000),
    })
  }
}
