import type { ProxyMetrics } from '../../metrics.ts'
import type { Logger, Metrics } from '../../runtime/index.ts'
import type { PlainTunnel } from '../../routing/tunnel.ts'
import type { ConnectObserver } from '../tunnel/connect.ts'
import { describeFailure } from './request-observer.ts'
import type { Ends } from '../tunnel/tunnel.ts'

export interface TunnelObserver extends ConnectObserver {
  tunnelOpened(ends: Ends): void
  tunnelClosed(ends: Ends): void
  tunnelsCut(count: number): void
  tlsInPlain(tunnel: PlainTunnel): void
}

export interface TunnelObserverDeps {
  readonly instruments: Metrics<ProxyMetrics>['instruments']
  readonly log: Logger
  readonly now: () => number
}

/** Counts and logs tunnels. A refusal is a warning: it is what a client without its token looks like. */
export function createTunnelObserver({ instruments, log, now }: TunnelObserverDeps): TunnelObserver {
  const connects = {
    blind: instruments.connects.with({ result: 'blind' }),
    unauthenticated: instruments.connects.with({ result: 'unauthenticated' }),
    plain: instruments.connects.with({ result: 'plain' }),
  }
  const open = {
    blind: instruments.tunnels.with({ mode: 'blind' }),
    upgrade: instruments.tunnels.with({ mode: 'upgrade' }),
  }
  return {
    opened: (tunnel) => connects[tunnel.mode === 'blind' && tunnel.route ? 'unauthenticated' : tunnel.mode].add(),
    refused: (error, host, requestId) => {
      instruments.connects.with({ result: error.code }).add()
      const level = error.code === 'internal_error' ? 'error' : 'warn'
      log[level]('connect refused', { host, ...describeFailure(error), requestId })
    },
    tunnelOpened: ({ mode }) => open[mode].add(),
    tunnelClosed: ({ mode, host, openedMs, client }) => {
      open[mode].add(-1)
      if (log.enabled('debug'))
        log.debug('tunnel closed', {
          mode,
          host,
          ms: now() - openedMs,
          received: client.bytesRead,
          sent: client.bytesWritten,
        })
    },
    tunnelsCut: (count) => {
      if (count > 0) log.warn('tunnels cut at the end of the drain', { count })
    },
    tlsInPlain: ({ host }) => {
      instruments.connects.with({ result: 'tls_in_plain' }).add()
      log.warn('TLS inside a tunnel to port 80', { host, hint: `Call http://${host}/ instead.` })
    },
  }
}
