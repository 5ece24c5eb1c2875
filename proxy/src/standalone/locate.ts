import type { RawHeaders } from '../http/headers.ts'
import type { Locate, Unlocated } from '../routing/locate.ts'
import type { RouterHints } from '../routing/router.ts'
import { DEFAULT_PORT, parseAuthority, splitTarget } from '../routing/target.ts'
import type { StandaloneValues } from './checks.ts'

type Upstream = Pick<StandaloneValues, 'upstreamHost' | 'upstreamScheme' | 'hostHeader'>

/** For clients that call this proxy as if it were the upstream: it is pinned, or a header names it. An absolute target names its own. */
export function createLocate({ upstreamHost, upstreamScheme, hostHeader }: Upstream): Locate {
  const name = hostHeader.toLowerCase()
  const originOf = (host: string): string => `${upstreamScheme}://${host}`
  const pinned = upstreamHost === undefined ? undefined : originOf(upstreamHost)
  const unusable: Unlocated = {
    refused: 'bad_request_target',
    message: `The request does not name its upstream in ${hostHeader}.`,
    hint: `Send ${hostHeader}: host or host:port, once, with a host of ALLOWED_HOSTS; or set UPSTREAM_HOST.`,
  }

  return (target, headers) => {
    const { values, others } = takeField(headers, name)
    if (!target.startsWith('/')) {
      const located = splitTarget(target)
      return located ? { ...located, headers: others } : { refused: 'bad_request_target' }
    }
    const [host, ...more] = values
    if (pinned !== undefined) return { origin: pinned, path: target, headers: others }
    // SECURITY: two names are two opinions about where the token goes.
    if (host === undefined || more.length > 0 || !parseAuthority(host, DEFAULT_PORT.https)) return unusable
    return { origin: originOf(host), path: target, headers: others }
  }
}

interface Taken {
  readonly values: readonly string[]
  readonly others: RawHeaders
}

/** Takes a field out: it is for this proxy. The list is copied only when it is there. */
function takeField(headers: RawHeaders, name: string): Taken {
  const values: string[] = []
  let others: string[] | undefined
  for (let index = 0; index < headers.length; index += 2) {
    const field = headers[index] as string
    const value = headers[index + 1] as string
    if (field.toLowerCase() === name) {
      values.push(value)
      others ??= headers.slice(0, index)
    } else others?.push(field, value)
  }
  return { values, others: others ?? headers }
}

/** What a client can do about a refusal when nothing of its request is a URL. */
export function standaloneHints({ upstreamHost, hostHeader }: Upstream): RouterHints {
  if (upstreamHost !== undefined)
    return {
      hostDenied: `Only ${upstreamHost}, which UPSTREAM_HOST names, is called.`,
      portDenied: (authority) => `Send the request without a host, or with ${authority}.`,
    }
  return {
    hostDenied: 'Add the host to ALLOWED_HOSTS.',
    portDenied: (authority) => `Send ${hostHeader}: ${authority}, or list the other port in ALLOWED_HOSTS.`,
  }
}
