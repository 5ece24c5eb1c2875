import type { DirectDestination, EgressProxy } from '../contract.ts'
import { parseIp } from '../contract/ip.ts'
import type { Ip } from '../contract/ip.ts'
import { isOfThisPod } from './address-policy.ts'

/**
 * Decides how a connection leaves the pod. @returns the proxy to go by; undefined for a direct connection.
 * @param host in lower case, without a trailing dot and without brackets.
 */
export type WayOut = (host: string, port: number) => EgressProxy | undefined

/** The one place that decides between a direct connection and the egress proxy. @param direct what goes without it. */
export function compileWayOut(proxy: EgressProxy | undefined, direct: readonly DirectDestination[]): WayOut {
  if (!proxy) return () => undefined
  return (host, port) => {
    const ip = parseIp(host)
    const isDirect = ip
      ? isOfThisPod(ip) || direct.some((entry) => coversAddress(entry, ip, port))
      : isOfThisNetwork(host) || direct.some((entry) => coversName(entry, host, port))
    return isDirect ? undefined : proxy
  }
}

/** Names that only this pod can resolve: a single label gets the search domains of its namespace. RFC 6761 §6.3. */
function isOfThisNetwork(host: string): boolean {
  return !host.includes('.') || host.endsWith('.localhost')
}

function coversName(entry: DirectDestination, host: string, port: number): boolean {
  if (entry.kind === 'everything') return true
  if (entry.kind !== 'name' || !isPort(entry.port, port)) return false
  return host.endsWith(`.${entry.name}`) || (!entry.below && host === entry.name)
}

/** Names are not resolved to be compared with networks: that is what the egress proxy is for. */
function coversAddress(entry: DirectDestination, ip: Ip, port: number): boolean {
  if (entry.kind === 'everything') return true
  return entry.kind === 'network' && isPort(entry.port, port) && shares(entry.ip, ip, entry.bits)
}

const isPort = (wanted: number | undefined, port: number): boolean => wanted === undefined || wanted === port

/** Whether two addresses begin with the same bits. */
function shares(one: Ip, other: Ip, bits: number): boolean {
  if (one.family !== other.family) return false
  const rest = BigInt((one.family === 4 ? 32 : 128) - bits)
  return BigInt(one.value) >> rest === BigInt(other.value) >> rest
}
