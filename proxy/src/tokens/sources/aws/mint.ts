import type { Logger } from '../../../runtime/index.ts'
import { FAILURES, TokenFailure } from '../../failures.ts'
import { describeSizes, readClaims } from '../../jwt.ts'
import type { TokenClaims } from '../../jwt.ts'
import type { TokenObserver } from '../../observer.ts'
import { MINIMUM_REMAINING_MS } from '../../policy.ts'
import type { MintedToken, TokenSource } from '../../source.ts'
import type { Clock } from '../../time.ts'
import type { TokenRequest } from '../../token-request.ts'
import { classify } from './classify.ts'
import { RENEWAL_INTERVAL_MS, canHoldAny, fittingSeconds, halvedSeconds, isSessionShort } from './session.ts'

/** The AWS session the credentials belong to. */
export interface Session {
  /** End by this machine's clock, corrected by what STS said about it; undefined when the credentials do not say. */
  readonly endsWallMs: number | undefined
}

export interface MintParameters extends Pick<TokenRequest, 'audience' | 'signingAlgorithm' | 'tags'> {
  readonly durationSeconds: number
}

/** The two calls the minting algorithm makes; rejections are the SDK's own errors. */
export interface StsPort {
  /** @param renew make a new session even if the present one has not ended. */
  session(renew: boolean, signal: AbortSignal): Promise<Session>
  getWebIdentityToken(parameters: MintParameters, signal: AbortSignal): Promise<Answer>
}

/** What STS answered; either part may be missing when it was not really STS. */
export interface Answer {
  readonly jwt: string | undefined
  /** By the issuer's clock. */
  readonly expiresMs: number | undefined
  /** STS's clock minus this machine's, as far as the SDK has noticed; it corrects minutes, not seconds. */
  readonly clockOffsetMs: number
}

export interface MinterDeps {
  readonly sts: StsPort
  readonly clock: Clock
  readonly log: Logger
  readonly observer: TokenObserver
  /** SECURITY: tokens of any other subject are refused, whatever credentials the SDK happened to find. */
  readonly expectedRoleArn: string | undefined
}

/** A header of this size still passes most servers and proxies, whose limit is 8 KiB for all headers together. */
export const LARGE_TOKEN_BYTES = 7 * 1024
/** Node's own limit for all headers together; nothing accepts more by default. */
const LARGEST_TOKEN_BYTES = 16 * 1024
/** SigV4's tolerance: the SDK corrects what is beyond it. */
const CLOCK_TOLERANCE_MS = 300_000

/**
 * Mints a token that its session can hold.
 * A token must expire before the session of the credentials that asked for it, and sessions are short: facts are in docs/how-it-works.md.
 */
export function createMinter({ sts, clock, log, observer, expectedRoleArn }: MinterDeps): TokenSource {
  let renewedAtMs = Number.NEGATIVE_INFINITY
  /** Longest life that worked where the end of the session is not known. */
  let workedSeconds: number | undefined
  let warnedSize = false
  let warnedShortened = false

  return {
    warm: async (signal) => {
      await currentSession(false, signal)
    },
    mint: async (request, signal) => check(request, await ask(request, signal)),
  }

  async function currentSession(renew: boolean, signal: AbortSignal): Promise<Session> {
    if (renew) renewedAtMs = clock.now().monotonicMs
    try {
      const session = await sts.session(renew, signal)
      observer.session(session.endsWallMs)
      return session
    } catch (error) {
      throw classify(error, 'session')
    }
  }

  function mayRenew(): boolean {
    return clock.now().monotonicMs - renewedAtMs >= RENEWAL_INTERVAL_MS
  }

  function remainingSeconds({ endsWallMs }: Session): number | undefined {
    return endsWallMs === undefined ? undefined : (endsWallMs - clock.now().wallMs) / 1000
  }

  /** A session that ends in time for the token, if one can be had; a present one that is too short is better than none. */
  async function sessionFor(wantedSeconds: number, signal: AbortSignal): Promise<Session> {
    const session = await currentSession(false, signal)
    if (!isSessionShort(wantedSeconds, remainingSeconds(session)) || !mayRenew()) return session
    try {
      return await currentSession(true, signal)
    } catch (error) {
      if (!canHoldAny(remainingSeconds(session))) throw error
      log.warn('AWS session not renewed; the present one still serves', { detail: String(error) })
      return session
    }
  }

  async function ask(request: TokenRequest, signal: AbortSignal): Promise<Answer> {
    const session = await sessionFor(request.durationSeconds, signal)
    let seconds = initialSeconds(request, session)
    // Ends: after one new session only shorter lives are tried, of which there are six.
    for (;;) {
      try {
        const answer = await sts.getWebIdentityToken({ ...request, durationSeconds: seconds }, signal)
        if (seconds < request.durationSeconds && session.endsWallMs === undefined) workedSeconds = seconds
        return answer
      } catch (error) {
        const failure = classify(error, 'token')
        const next = await afterFailure(failure, seconds, signal)
        if (next === undefined) throw failure
        seconds = next
      }
    }
  }

  function initialSeconds({ durationSeconds, route }: TokenRequest, session: Session): number {
    const wanted = Math.min(durationSeconds, workedSeconds ?? durationSeconds)
    const seconds = fittingSeconds(wanted, remainingSeconds(session))
    if (seconds < durationSeconds) sayShortened(route, seconds)
    return seconds
  }

  /** Once as a warning: whoever asked for more should know, but it happens with every token. */
  function sayShortened(route: string, seconds: number): void {
    log[warnedShortened ? 'debug' : 'warn']('token shortened to fit the AWS session', {
      route,
      seconds,
      hint: 'A token has to end before the AWS session it is minted in. Ask for a shorter life to silence this.',
    })
    warnedShortened = true
  }

  /** @returns the life to try next, after a new session or with half the life; undefined when trying again is of no use. */
  async function afterFailure(
    failure: TokenFailure,
    seconds: number,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const renewable = failure.reason === 'session_too_short' || failure.reason === 'credentials_refused'
    if (!renewable || signal.aborted) return undefined
    if (mayRenew()) {
      const session = await currentSession(true, signal)
      if (session.endsWallMs !== undefined || failure.reason === 'credentials_refused')
        return fittingSeconds(seconds, remainingSeconds(session))
    }
    return failure.reason === 'session_too_short' ? halvedSeconds(seconds) : undefined
  }

  function check(request: TokenRequest, { jwt, expiresMs, clockOffsetMs }: Answer): MintedToken {
    if (jwt === undefined || jwt === '') throw new TokenFailure('unusable_answer', 'the answer has no WebIdentityToken')
    const claims = parse(jwt)
    checkPromise(request, claims)
    checkSize(request, jwt, claims)
    const wallMs = clock.now().wallMs
    const endMs = Math.min(claims.expiresAt * 1000, expiresMs ?? Number.POSITIVE_INFINITY)
    const lifeMs = endMs - claims.issuedAt * 1000
    if (lifeMs <= MINIMUM_REMAINING_MS || endMs < wallMs + clockOffsetMs - CLOCK_TOLERANCE_MS)
      throw new TokenFailure('unusable_answer', 'the token had expired, or nearly so, when it arrived')
    return { jwt, lifeMs, clockSkewMs: claims.issuedAt * 1000 - wallMs, subject: claims.subject, jti: claims.jti }
  }

  /** SECURITY: whoever answered, a token goes to a partner only if it is the one that was asked for. */
  function checkPromise(request: TokenRequest, { algorithm, subject, audience }: TokenClaims): void {
    if (algorithm !== request.signingAlgorithm)
      throw new TokenFailure(
        'unusable_answer',
        `the token is signed with another algorithm than ${request.signingAlgorithm}`,
      )
    if (asSet(audience) !== asSet(request.audience))
      throw new TokenFailure('unusable_answer', 'the token is for other audiences than were asked for')
    if (expectedRoleArn !== undefined && subject !== expectedRoleArn)
      throw new TokenFailure('subject_mismatch', `the token is of ${subject}, expected ${expectedRoleArn}`)
  }

  function checkSize({ route }: TokenRequest, jwt: string, claims: TokenClaims): void {
    if (jwt.length > LARGEST_TOKEN_BYTES)
      throw new TokenFailure(
        'token_too_large',
        `the token has ${jwt.length} bytes, at most ${LARGEST_TOKEN_BYTES} can be sent; ${describeSizes(claims)}`,
      )
    if (jwt.length <= LARGE_TOKEN_BYTES || warnedSize) return
    warnedSize = true
    log.warn('token is large; many servers refuse headers over 8 KiB', {
      route,
      bytes: jwt.length,
      claims: describeSizes(claims),
      hint: FAILURES.token_too_large.hint,
    })
  }
}

const asSet = (items: readonly string[]): string => JSON.stringify([...new Set(items)].sort())

function parse(jwt: string): TokenClaims {
  try {
    return readClaims(jwt)
  } catch (error) {
    throw new TokenFailure('unusable_answer', (error as TypeError).message)
  }
}
