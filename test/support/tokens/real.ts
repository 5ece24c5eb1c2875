import { METRICS } from '../../../proxy/src/metrics.ts'
import { createMetrics } from '../../../proxy/src/runtime/index.ts'
import type { TokenEngine } from '../../../proxy/src/tokens/cache.ts'
import { createTokens } from '../../../proxy/src/tokens/cache.ts'
import type { Clock } from '../../../proxy/src/tokens/clock.ts'
import { createSystemClock } from '../../../proxy/src/tokens/clock.ts'
import { createTokenObserver } from '../../../proxy/src/tokens/metrics.ts'
import { createMinter } from '../../../proxy/src/tokens/mint.ts'
import type { TokenSource } from '../../../proxy/src/tokens/source.ts'
import { createSts } from '../../../proxy/src/tokens/sts.ts'
import { captureLog } from './log.ts'
import type { CapturedLog } from './log.ts'

export interface RealTokens {
  readonly tokens: TokenEngine
  readonly captured: CapturedLog
  metrics(): Promise<string>
  /** Attempts to mint that have not ended. */
  underWay(): number
}

export interface RealTokensOptions {
  readonly sessionName?: string
  readonly expectedRoleArn?: string
  readonly clock?: Clock
}

/** The token engine on the SDK, composed as `main.ts` does, with this process's environment. */
export function createRealTokens(options: RealTokensOptions = {}): RealTokens {
  const { sessionName = 'shop.orders', expectedRoleArn, clock = createSystemClock() } = options
  const captured = captureLog()
  const { instruments, render } = createMetrics(METRICS)
  const observer = createTokenObserver(instruments)
  const sts = createSts({ environment: process.env, sessionName })
  const minter = createMinter({ sts, clock, log: captured.log, observer, expectedRoleArn })
  let underWay = 0
  const mint: TokenSource['mint'] = (request, signal) => {
    underWay++
    return minter.mint(request, signal).finally(() => underWay--)
  }
  const tokens = createTokens({
    source: { ...minter, mint },
    clock,
    random: Math.random,
    log: captured.log,
    observer,
    onNoCredentials: () => undefined,
  })
  return { tokens, captured, metrics: async () => (await render()).body, underWay: () => underWay }
}
