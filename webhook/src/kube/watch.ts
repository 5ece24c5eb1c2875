import type { KubeConfig } from '@kubernetes/client-node'
import { Watch } from '@kubernetes/client-node'
import { backoffMs } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { KubeError } from './failure.ts'
import { toKubeError } from './failure.ts'

export interface WatchDeps {
  /** Called after a change and after every reconnection; the object is read anew by whoever wants it. */
  readonly onChange: () => void
  /** Called with undefined when the watch is established, with the reason when it is not. */
  readonly onState: (failure: KubeError | undefined) => void
  /** From 0 to 1, for the spread of reconnections. */
  readonly random: () => number
}

export interface WatchHandle {
  stop(): void
}

interface Watched {
  readonly path: string
  readonly name: string
  /** For messages. */
  readonly what: string
}

/** The server ends a quiet watch a little before the client gives it up for dead, which it does after 30 s without a byte. */
const QUIET_SECONDS = 25
/** Spread so that replicas do not come back together. */
const BACKOFF = { firstMs: 500, longestMs: 30_000 }

/**
 * Watches one object by name, for ever. It never resumes from an old version: each connection begins with the object as it is, so nothing
 * is missed, and `410 Gone` can only come as an ERROR event, which ends the connection like any other failure.
 */
export function watchObject(config: KubeConfig, { path, name, what }: Watched, deps: WatchDeps): WatchHandle {
  const watch = new Watch(config)
  const query = { fieldSelector: `metadata.name=${name}`, timeoutSeconds: QUIET_SECONDS }
  let failures = 0
  let stopped = false
  let connection: Connection | undefined
  let timer: NodeJS.Timeout | undefined
  let seen: string | undefined

  const reconnect = (): void => {
    if (!stopped) timer = setTimeout(() => void connect(), backoffMs(BACKOFF, Math.max(failures, 1), deps.random()))
  }
  const end = (current: Connection, error: unknown): void => {
    if (current.ended || stopped) return
    current.ended = true
    const failure = current.failure ?? error
    if (failure) {
      failures += 1
      // What happens meanwhile is only seen by reading.
      seen = undefined
      deps.onState(toKubeError(what, failure))
    }
    reconnect()
  }
  const onEvent = (current: Connection, phase: string, object: unknown): void => {
    if (phase === 'ERROR') {
      current.failure = object
      current.controller?.abort()
      return
    }
    failures = 0
    const version = phase === 'DELETED' ? undefined : versionOf(object)
    if (version === undefined || version !== seen) deps.onChange()
    seen = version
  }

  async function connect(): Promise<void> {
    const current: Connection = { ended: false }
    connection = current
    try {
      current.controller = await watch.watch(
        path,
        query,
        (phase, object) => onEvent(current, phase, object),
        (error) => end(current, error),
      )
      if (stopped) current.controller.abort()
      else if (!current.ended) deps.onState(undefined)
    } catch (error) {
      // Credentials that cannot be read fail before the watch begins.
      end(current, error)
    }
  }

  void connect()
  return {
    stop: () => {
      stopped = true
      clearTimeout(timer)
      connection?.controller?.abort()
    },
  }
}

interface Connection {
  ended: boolean
  controller?: AbortController
  /** A Status object that came as an event. */
  failure?: unknown
}

function versionOf(object: unknown): string | undefined {
  const metadata = (object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata
  return typeof metadata?.resourceVersion === 'string' ? metadata.resourceVersion : undefined
}
