import type { SigningAlgorithm } from '../../../contract.ts'
import type { Logger } from '../../../runtime/index.ts'
import { FAILURES, TokenFailure } from '../../failures.ts'
import { MINIMUM_REMAINING_MS, SOURCE_LIMITS } from '../../policy.ts'
import type { Clock } from '../../time.ts'
import { LARGEST_TOKEN_BYTES, LARGE_TOKEN_BYTES, clockSkewMs, describeSizes } from '../../token.ts'
import type { MintRequest, Token, TokenEvidence, TokenSource } from '../../token.ts'
import { classify } from './classify.ts'
import { RENEWAL_INTERVAL_MS, canHoldAny, fittingSeconds, halvedSeconds, isSessionShort } from './session.ts'

/** The AWS session the credentials belong to. */
export interface Session {
  /** End by this machine's clock, corrected by what STS said about it; undefined when the credentials do not say. */
  readonly endsWallMs: number | undefined
}

/** What a token of STS is asked for with. */
export interface AwsTokenSpec {
  readonly source: 'aws'
  readonly audience: readonly string[]
  readonly signingAlgorithm: SigningAlgorithm
  readonly durationSeconds: number
  readonly tags: Readonly<Record<string, string>>
}

export type MintParameters = Omit<AwsTokenSpec, 'source'>

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

export interface AwsSourceDeps {
  readonly sts: StsPort
  readonly clock: Clock
  readonly log: Logger
  /** Told the end of every AWS session that is used; undefined when the credentials do not say. */
  readonly onSession: (endsWallMs: number | undefined) => void
  /** SECURITY: tokens of any other subject are refused, whatever credentials the SDK happened to find. */
  readonly expectedRoleArn: string | undefined
}

type AwsRequest = MintRequest<AwsTokenSpec>

/** SigV4's tolerance: the SDK corrects what is beyond it. */
const CLOCK_TOLERANCE_MS = 300_000

/**
 * Mints a token that its session can hold.
 * A token must expire before the session of the credentials that asked for it, and sessions are short: facts are in docs/how-it-works.md.
 */
export function createAwsSource({
  sts,
  clock,
  log,
  onSession,
  expectedRoleArn,
}: AwsSourceDeps): TokenSource<AwsTokenSpec> {
  let renewedAtMs = Number.NEGATIVE_INFINITY
  /** Longest life that worked where the end of the session is not known. */
  let workedSeconds: number | undefined
  let warnedSize = false
  let warnedShortened = false

  return {
    limits: SOURCE_LIMITS,
    timeout: 'sts_timeout',
    warm: async (signal) => {
      await currentSession(false, signal)
    },
    mint: async (request, signal) => check(request, await ask(request, signal)),
  }

  async function currentSession(renew: boolean, signal: AbortSignal): Promise<Session> {
    if (renew) renewedAtMs = clock.now().monotonicMs
    try {
      const session = await sts.session(renew, signal)
      onSession(session.endsWallMs)
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

  async function ask(request: AwsRequest, signal: AbortSignal): Promise<Answer> {
    const { spec } = request
    const session = await sessionFor(spec.durationSeconds, signal)
    let seconds = initialSeconds(request, session)
    // Ends: after one new session only shorter lives are tried, of which there are six.
    for (;;) {
      try {
        const answer = await sts.getWebIdentityToken({ ...spec, durationSeconds: seconds }, signal)
        if (seconds < spec.durationSeconds && session.endsWallMs === undefined) workedSeconds = seconds
        return answer
      } catch (error) {
        const failure = classify(error, 'token')
        const next = await afterFailure(failure, seconds, signal)
        if (next === undefined) throw failure
        seconds = next
      }
    }
  }

  function initialSeconds({ spec: { durationSeconds }, route }: AwsRequest, session: Session): number {
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

  async function check(request: AwsRequest, { jwt, expiresMs, clockOffsetMs }: Answer): Promise<Token> {
    const { wallMs } = clock.now()
    if (jwt === undefined || jwt === '') throw new TokenFailure('unusable_answer', 'the answer has no WebIdentityToken')
    const evidence = await read(jwt)
    checkPromise(request.spec, evidence)
    checkSize(request, jwt, evidence)
    const endMs = Math.min(evidence.expiresAt * 1000, expiresMs ?? Number.POSITIVE_INFINITY)
    const expiresInMs = endMs - evidence.issuedAt * 1000
    if (expiresInMs <= MINIMUM_REMAINING_MS || endMs < wallMs + clockOffsetMs - CLOCK_TOLERANCE_MS)
      throw new TokenFailure('unusable_answer', 'the token had expired, or nearly so, when it arrived')
    return { value: jwt, expiresInMs, evidence, clockSkewMs: clockSkewMs(evidence, wallMs) }
  }

  /** SECURITY: whoever answered, a token goes to a partner only if it is the one that was asked for. */
  function checkPromise(spec: AwsTokenSpec, { algorithm, subject, audience }: TokenEvidence): void {
    if (algorithm !== spec.signingAlgorithm)
      throw new TokenFailure(
        'unusable_answer',
        `the token is signed with another algorithm than ${spec.signingAlgorithm}`,
      )
    if (asSet(audience) !== asSet(spec.audience))
      throw new TokenFailure('unusable_answer', 'the token is for other audiences than were asked for')
    if (expectedRoleArn !== undefined && subject !== expectedRoleArn)
      throw new TokenFailure('subject_mismatch', `the token is of ${subject}, expected ${expectedRoleArn}`)
  }

  function checkSize({ route }: AwsRequest, jwt: string, evidence: TokenEvidence): void {
    if (jwt.length > LARGEST_TOKEN_BYTES)
      throw new TokenFailure(
        'token_too_large',
        `the token has ${jwt.length} bytes, at most ${LARGEST_TOKEN_BYTES} can be sent; ${describeSizes(evidence)}`,
      )
    if (jwt.length <= LARGE_TOKEN_BYTES || warnedSize) return
    warnedSize = true
    log.warn('token is large; many servers refuse headers over 8 KiB', {
      route,
      bytes: jwt.length,
      claims: describeSizes(evidence),
      hint: FAILURES.token_too_large.hint,
    })
  }
}

const asSet = (items: readonly string[]): string => JSON.stringify([...new Set(items)].sort())

async function read(jwt: string): Promise<TokenEvidence> {
  const { readEvidence } = await import('../../jwt.ts')
  try {
    return readEvidence(jwt)
  } catch (error) {
    throw new TokenFailure('unusable_answer', (error as TypeError).message)
  }
}
