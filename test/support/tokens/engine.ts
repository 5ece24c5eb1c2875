import type { ProxyError } from '../../../proxy/src/errors.ts'
import type { TokenEngine, TokenEngineDeps } from '../../../proxy/src/tokens/engine.ts'
import { createTokenEngine } from '../../../proxy/src/tokens/engine.ts'
import type { TokenFailure } from '../../../proxy/src/tokens/failures.ts'
import type { TokenObserver } from '../../../proxy/src/tokens/observer.ts'
import { createFakeClock } from './clock.ts'
import type { FakeClock } from './clock.ts'
import { captureLog } from './log.ts'
import type { CapturedLog } from './log.ts'
import { unobserved } from './observer.ts'
import { createFakeSource, unusedSource } from './source.ts'
import type { FakeSource } from './source.ts'

export interface TestEngine {
  readonly tokens: TokenEngine
  readonly clock: FakeClock
  readonly source: FakeSource
  readonly captured: CapturedLog
  /** What the observer was told, as `name argument …`. */
  readonly observed: string[]
  /** Failures for which the process would end. */
  readonly fatal: TokenFailure[]
}

/** The token engine on a clock and a source that the test moves by hand. */
export function createTestEngine(options: Partial<TokenEngineDeps> = {}): TestEngine {
  const clock = createFakeClock()
  const source = createFakeSource()
  const captured = captureLog()
  const observed: string[] = []
  const fatal: TokenFailure[] = []
  const observer: TokenObserver = {
    ...unobserved,
    looked: (result) => observed.push(`looked ${result}`),
    fetched: (result) => observed.push(`fetched ${result}`),
    refreshFailed: (route) => observed.push(`refreshFailed ${route}`),
    replaced: ({ route }, { bytes }) => observed.push(`replaced ${route} ${bytes}`),
    dropped: ({ route }) => observed.push(`dropped ${route}`),
  }
  const tokens = createTokenEngine({
    sources: { aws: source, kubernetes: unusedSource, exchange: unusedSource },
    clock,
    random: () => 0.5,
    log: captured.log,
    observer,
    refreshSkewSeconds: undefined,
    onNoCredentials: (failure) => fatal.push(failure),
    ...options,
  })
  return { tokens, clock, source, captured, observed, fatal }
}

/** What became of a token that was asked for. */
export interface Outcome {
  /** The token, or the code of the error; undefined while neither is known. */
  result: string | undefined
  error: ProxyError | undefined
}

/** Follows an answer without awaiting it, so that a test can let time pass meanwhile. */
export function follow(answer: string | Promise<string>): Outcome {
  const outcome: Outcome = { result: undefined, error: undefined }
  Promise.resolve(answer).then(
    (jwt) => {
      outcome.result = jwt
    },
    (error: unknown) => {
      outcome.error = error as ProxyError
      outcome.result = outcome.error.code
    },
  )
  return outcome
}
