import type { HostPattern } from '../contract.ts'
import { parseAuthority } from '../routing/target.ts'

/** A host that is intercepted; on which port does not matter to a certificate. */
export type InterceptedHost = Pick<HostPattern, 'host' | 'wildcard'>

/** For which DNS names an authority can sign, in the forms of RFC 5280 §4.2.1.10. No authority can sign for an IP address. */
export interface NameConstraints {
  /** Each admits itself and everything below it. */
  readonly permitted: readonly string[]
  /** With a leading dot: what is below the name, and not the name itself. Every verifier that was tried reads it like that. */
  readonly excluded: readonly string[]
}

/** RFC 1035 §2.3.4, without the trailing dot. */
const LONGEST_NAME = 253

/**
 * The tightest constraints that admit every host: the names themselves, without the subdomains of exact ones. An exact name keeps its
 * subdomains when another host is among them, because an exclusion cannot be taken back further down.
 */
export function constrainTo(hosts: readonly InterceptedHost[]): NameConstraints {
  const names = [...new Set(hosts.map(({ host }) => host))].sort()
  const isBelowAny = (name: string): boolean => names.some((other) => isBelow(name, other))
  const needsSubdomains = (name: string): boolean =>
    hosts.some(({ host, wildcard }) => isBelow(host, name) || (wildcard && (host === name || isBelow(name, host))))
  return {
    permitted: names.filter((name) => !isBelowAny(name)),
    excluded: names.filter((name) => !needsSubdomains(name)).map((name) => `.${name}`),
  }
}

/** Whether one of the hosts is this name. SECURITY: what a client writes as its server name, so anything but a DNS name is no host. */
export function intercepts(hosts: readonly InterceptedHost[], name: string): boolean {
  const parsed = parseAuthority(name, 443)
  if (parsed?.host !== name || parsed.literal || name.length > LONGEST_NAME) return false
  return hosts.some(({ host, wildcard }) => (wildcard ? isBelow(name, host) : name === host))
}

function isBelow(name: string, parent: string): boolean {
  return name.endsWith(`.${parent}`)
}

/** @returns the DER of the extension's value. @peculiar/x509 has every extension that we need but this one. */
export function encodeConstraints({ permitted, excluded }: NameConstraints): Buffer {
  const subtree = (tag: number, value: Buffer): Buffer => tlv(0x30, tlv(tag, value))
  const dns = (name: string): Buffer => subtree(0x82, Buffer.from(name, 'ascii'))
  // An address and its mask, all zeros: 0.0.0.0/0 and ::/0.
  const everyAddress = [subtree(0x87, Buffer.alloc(8)), subtree(0x87, Buffer.alloc(32))]
  return tlv(0x30, tlv(0xa0, ...permitted.map(dns)), tlv(0xa1, ...excluded.map(dns), ...everyAddress))
}

function tlv(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  // Definite lengths, X.690 §8.1.3: up to 127 in one octet, longer ones behind the number of their octets.
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  if (length > 0xffff) throw new RangeError('the name constraints are longer than 64 KiB')
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
