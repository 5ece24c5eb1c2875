import { METRICS } from '../../../proxy/src/metrics.ts'
import { createMetrics } from '../../../proxy/src/runtime/index.ts'
import type { TokenEngine } from '../../../proxy/src/tokens/engine.ts'
import { createTokenEngine } from '../../../proxy/src/tokens/engine.ts'
import { createTokenObserver } from '../../../proxy/src/tokens/observer.ts'
import { createAwsSource } from '../../../proxy/src/tokens/sources/aws/mint.ts'
import type { StsPort } from '../../../proxy/src/tokens/sources/aws/mint.ts'
import { createSts } from '../../../proxy/src/tokens/sources/aws/sts.ts'
import type { Clock } from '../../../proxy/src/tokens/time.ts'
import { createSystemClock } from '../../../proxy/src/tokens/time.ts'
import { captureLog } from './log.ts'
import type { CapturedLog } from './log.ts'
import { unusedSource } from './source.ts'

export interface RealTokens {
  readonly tokens: TokenEngine
  readonly captured: CapturedLog
  metrics(): Promise<string>
  /** Calls to AWS that have not ended. */
  underWay(): number
}

export interface RealTokensOptions {
  readonly sessionName?: string
  readonly expectedRoleArn?: string
  readonly clock?: Clock
}

/** The token engine on the SDK, as the process composes it, with this process's environment. */
export function createRealTokens(options: RealTokensOptions = {}): RealTokens {
  const { sessionName = 'shop.orders', expectedRoleArn, clock = createSystemClock() } = options
  const captured = captureLog()
  const { instruments, render } = createMetrics(METRICS)
  const sts = createSts({ environment: process.env, sessionName })
  let underWay = 0
  const count = <T>(call: Promise<T>): Promise<T> => {
    underWay++
    return call.finally(() => underWay--)
  }
  const counted: StsPort = {
    session: (renew, signal) => count(sts.session(renew, signal)),
    getWebIdentityToken: (parameters, signal) => count(sts.getWebIdentityToken(parameters, signal)),
  }
  const { log } = captured
  const observer = createTokenObserver(instruments)
  const tokens = createTokenEngine({
    sources: {
      aws: createAwsSource({ sts: counted, clock, log, onSession: observer.session, expectedRoleArn }),
      kubernetes: unusedSource,
      exchange: unusedSource,
    },
    clock,
    random: Math.random,
    log,
    observer,
    refreshSkewSeconds: undefined,
    onNoCredentials: () => undefined,
  })
  return { tokens, captured, metrics: async () => (await render()).body, underWay: () => underWay }
}
