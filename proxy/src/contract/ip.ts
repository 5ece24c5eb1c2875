// IP addresses as numbers, so that every spelling of an address compares equal.

/** An IPv4 address, or an IPv6 address that is not another spelling of one. */
export type Ip = { readonly family: 4; readonly value: number } | { readonly family: 6; readonly value: bigint }

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const DOTTED_QUAD = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`)

/** Parses one canonical dotted quad. @returns the 32 bit value, or undefined. */
export function parseIpv4(text: string): number | undefined {
  const match = DOTTED_QUAD.exec(text)
  if (!match) return undefined
  return match.slice(1).reduce((value, octet) => value * 256 + Number(octet), 0)
}

/** Parses an IPv6 address without brackets; a zone ID is ignored because it names an interface, not a host. RFC 4291 §2.2. */
export function parseIpv6(text: string): bigint | undefined {
  const halves = withoutZone(text).split('::')
  if (halves.length > 2) return undefined
  const [head = [], tail = []] = halves.map(groups)
  if (head.includes(INVALID) || tail.includes(INVALID)) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const all = [...head, ...new Array<number>(missing).fill(0), ...tail]
  return all.reduce((value, group) => (value << 16n) | BigInt(group), 0n)
}

const INVALID = -1

/** The 16 bit groups of one side of `::`; a dotted quad may be the last two. */
function groups(side: string): number[] {
  if (side === '') return []
  return side.split(':').flatMap((group, index, list) => {
    if (index === list.length - 1 && group.includes('.')) {
      const ipv4 = parseIpv4(group)
      return ipv4 === undefined ? [INVALID] : [Math.floor(ipv4 / 65536), ipv4 % 65536]
    }
    return [/^[0-9a-fA-F]{1,4}$/.test(group) ? Number.parseInt(group, 16) : INVALID]
  })
}

function withoutZone(text: string): string {
  const zone = text.indexOf('%')
  return zone === -1 ? text : text.slice(0, zone)
}

/** Prefixes that carry an IPv4 address in their last 32 bits: mapped, compatible (RFC 4291 §2.5.5), NAT64 (RFC 6052 §2.1). */
const IPV4_PREFIXES: readonly bigint[] = [0xffffn, 0n, 0x0064ff9b_0000_0000_0000_0000n]

/** Parses an address as the resolver or a URL writes it. SECURITY: an IPv4 address in IPv6 clothing is that IPv4 address. */
export function parseIp(text: string): Ip | undefined {
  const ipv4 = parseIpv4(text)
  if (ipv4 !== undefined) return { family: 4, value: ipv4 }
  const ipv6 = parseIpv6(text)
  if (ipv6 === undefined) return undefined
  const low = Number(ipv6 & 0xffff_ffffn)
  // :: and ::1 are IPv6's own unspecified and loopback addresses, not IPv4-compatible ones.
  const embedded = ipv6 > 1n && IPV4_PREFIXES.includes(ipv6 >> 32n)
  return embedded ? { family: 4, value: low } : { family: 6, value: ipv6 }
}

/** Loopback, and the unspecified address, which Linux connects to loopback. */
export function reachesThisHost(ip: Ip): boolean {
  if (ip.family === 6) return ip.value <= 1n
  const firstOctet = Math.floor(ip.value / 2 ** 24)
  return firstOctet === 127 || firstOctet === 0
}
