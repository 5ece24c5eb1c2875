import type { ProxyConfig } from '../config.ts'
import type { ProxyMetrics } from '../metrics.ts'
import type { Logger, Metrics } from '../runtime/index.ts'
import { createTokens } from './cache.ts'
import type { TokenEngine, TokensDeps } from './cache.ts'
import type { Clock } from './clock.ts'
import { createTokenObserver } from './metrics.ts'
import { createMinter } from './mint.ts'
import type { StsPort } from './mint.ts'

export interface EngineDeps extends Pick<TokensDeps, 'onNoCredentials'> {
  readonly config: Pick<ProxyConfig, 'expectedRoleArn' | 'tokenRefreshSkewSeconds'>
  readonly sts: StsPort
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly log: Logger
  readonly instruments: Metrics<ProxyMetrics>['instruments']
}

/** Composes the token engine out of its parts. */
export function createEngine({ config, instruments, sts, ...deps }: EngineDeps): TokenEngine {
  const { expectedRoleArn, tokenRefreshSkewSeconds } = config
  const observer = createTokenObserver(instruments)
  const source = createMinter({ ...deps, sts, observer, expectedRoleArn })
  const refreshSkewMs = tokenRefreshSkewSeconds === undefined ? undefined : tokenRefreshSkewSeconds * 1000
  return createTokens({ ...deps, source, observer, refreshSkewMs })
}
