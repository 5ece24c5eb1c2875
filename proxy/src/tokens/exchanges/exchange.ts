import type { ExpandedExchange } from '../../contract.ts'
import { errorCode } from '../../runtime/index.ts'
import { TokenFailure } from '../failures.ts'
import type { FailureClass, Step } from '../failures.ts'
import { EXCHANGE_LIMITS } from '../policy.ts'
import type { AwsTokenSpec } from '../sources/aws/mint.ts'
import type { KubernetesTokenSpec } from '../sources/kubernetes.ts'
import type { Clock } from '../time.ts'
import { within } from '../time.ts'
import type { MintRequest, Token, TokenSource } from '../token.ts'
import type { CallEndpoint, ExchangeCall } from './endpoint.ts'
import { exchangeAtGoogle } from './google.ts'
import { exchangeAtOAuth2 } from './oauth2.ts'
import { exchangeAtVault } from './vault.ts'

export type SubjectTokenSpec = AwsTokenSpec | KubernetesTokenSpec

/** A token of another source, turned into what the partner takes. */
export interface ExchangedTokenSpec {
  readonly source: 'exchange'
  readonly subject: SubjectTokenSpec
  readonly exchange: ExpandedExchange
}

export interface ExchangeSourceDeps {
  /** The source of a source token. */
  readonly sourceOf: (spec: SubjectTokenSpec) => TokenSource<SubjectTokenSpec>
  readonly call: CallEndpoint
  /** Reads a text file. */
  readonly readFile: (path: string) => Promise<string>
  readonly clock: Clock
  /** Told how each step ended. */
  readonly onStep: (step: Step, result: 'ok' | FailureClass) => void
}

/** Mints by exchange: a new source token for each, because some partners take every token once, and then one call of the partner. */
export function createExchangeSource(deps: ExchangeSourceDeps): TokenSource<ExchangedTokenSpec> {
  const { clock } = deps
  return {
    limits: EXCHANGE_LIMITS,
    // The first step has a limit of its own, so that what takes longer is the second.
    timeout: 'exchange_timeout',
    warm: () => Promise.resolve(),
    mint: async ({ spec, route }, signal) => {
      const subject = await observed('source', undefined, mintSubject({ spec: spec.subject, route }, signal))
      const call: ExchangeCall = {
        subject: subject.value,
        call: deps.call,
        readSecret,
        nowMs: () => clock.now().wallMs,
        signal,
      }
      const result = await observed('exchange', subject, exchange(spec.exchange, call))
      return { ...result, subject, clockSkewMs: subject.clockSkewMs }
    },
  }

  function mintSubject(request: MintRequest<SubjectTokenSpec>, signal: AbortSignal): Promise<Token> {
    const source = deps.sourceOf(request.spec)
    return within(
      clock,
      source.limits.attemptMs,
      (inTime) => source.mint(request, AbortSignal.any([signal, inTime])),
      () => new TokenFailure(source.timeout),
    )
  }

  async function observed(step: Step, subject: Token | undefined, work: Promise<Token>): Promise<Token> {
    try {
      const token = await work
      deps.onStep(step, 'ok')
      return token
    } catch (error) {
      const failure = error instanceof TokenFailure ? error : new TokenFailure('unknown', String(error))
      failure.step = step
      failure.subject = subject?.evidence
      deps.onStep(step, failure.row.class)
      throw failure
    }
  }

  /** Read for each exchange: Kubernetes replaces the file when the Secret changes. */
  async function readSecret(path: string): Promise<string> {
    let secret: string
    try {
      secret = (await deps.readFile(path)).replace(/\r?\n$/, '')
    } catch (error) {
      throw new TokenFailure('client_secret_unreadable', errorCode(error))
    }
    // What is not UTF-8 was read as U+FFFD, and would be sent as that.
    if (/^[^\p{Cc}\ufeff\ufffd]+$/u.test(secret)) return secret
    throw new TokenFailure(
      'client_secret_unreadable',
      'the secret is empty, or has control characters, a byte order mark, or bytes that are not UTF-8',
    )
  }
}

function exchange(kind: ExpandedExchange, call: ExchangeCall): Promise<Token> {
  switch (kind.type) {
    case 'oauth2':
      return exchangeAtOAuth2(kind, call)
    case 'google':
      return exchangeAtGoogle(kind, call)
    case 'vault':
      return exchangeAtVault(kind, call)
  }
}
