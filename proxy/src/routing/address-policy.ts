import type { Ip } from '../contract/ip.ts'
import { parseIp, parseIpv4, parseIpv6, reachesThisHost } from '../contract/ip.ts'

/** What an address rule needs to know of a connection about to be made. */
export interface Connection {
  readonly port: number
  /** Whether the request would carry a token. */
  readonly ruled: boolean
}

export interface AddressPolicy {
  /** Lifts only the refusal of loopback for rule hosts; demos and tests set it. */
  readonly allowLocalUpstreams: boolean
  /** Ports this process listens on. */
  readonly ownPorts: readonly number[]
  /** Of these, those at loopback addresses alone: at another address of this machine somebody else may listen. */
  readonly steeredPorts: readonly number[]
  /** Addresses of this machine; what listens on all interfaces is behind each of them. */
  readonly ownAddresses: readonly string[]
}

/**
 * Where credentials and instance metadata are served: by AWS, and by other clouds that a cluster may run in (Azure, Alibaba Cloud, Tencent
 * Cloud, Scaleway; Google, Oracle and Akamai on IPv6; on IPv4 most use the first). SECURITY: a proxy that reaches them hands a pod's callers its identity.
 */
const CREDENTIALS_IPV4 = new Set(
  [
    ...['169.254.169.254', '169.254.170.2', '169.254.170.23'],
    ...['168.63.129.16', '100.100.100.200', '169.254.0.23', '169.254.42.42'],
  ].map(parseIpv4),
)
const CREDENTIALS_IPV6 = new Set(
  [
    ...['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fd00:42::42'],
    ...['fd00:c1::a9fe:a9fe', 'fd00:100::100:200', 'fd00:a9fe:a9fe::1'],
  ].map(parseIpv6),
)
/** 64:ff9b:1::/48: a site's own NAT64, which puts the IPv4 address where only the site knows. RFC 8215, RFC 6052 §2.2. */
const LOCAL_NAT64 = 0x0064_ff9b_0001n

/**
 * Decides whether a connection to one address may be made; `address` is an IP literal or one candidate of the resolver.
 * SECURITY: what does not parse is refused.
 */
export function mayConnect(address: string, { port, ruled }: Connection, policy: AddressPolicy): boolean {
  const ip = parseIp(address)
  if (ip === undefined || servesCredentials(ip)) return false
  const isLocal = reachesThisHost(ip)
  // Calls of this process itself would come back to it without end.
  if (policy.ownPorts.includes(port) && (isLocal || isExposed(ip, port, policy))) return false
  return !isLocal || !ruled || policy.allowLocalUpstreams
}

function isExposed({ family, value }: Ip, port: number, { ownAddresses, steeredPorts }: AddressPolicy): boolean {
  if (steeredPorts.includes(port)) return false
  return ownAddresses.map(parseIp).some((own) => own?.family === family && own.value === value)
}

/** Whether an address means something else to everybody outside of the pod, so that it is never for an egress proxy. */
export function isOfThisPod(ip: Ip): boolean {
  return reachesThisHost(ip) || servesCredentials(ip)
}

function servesCredentials(ip: Ip): boolean {
  if (ip.family === 4) return CREDENTIALS_IPV4.has(ip.value)
  return CREDENTIALS_IPV6.has(ip.value) || ip.value >> 80n === LOCAL_NAT64
}
