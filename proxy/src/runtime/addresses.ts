import type { Parser } from '../contract/parsers.ts'
import { accepted, refused } from '../contract/parsers.ts'
import type { Report } from '../contract/problem.ts'

/** A listen address as `node:net` takes it. */
export interface ListenAddress {
  /** Without brackets. */
  readonly host: string
  readonly port: number
}

const ALLOWED = 'host:port, with an IPv6 address in brackets, such as 127.0.0.1:15400 or [::]:15401'

/** `127.0.0.1:15400`, `[::]:15401`, or Go's `:8080` for every interface. Port 0 takes any free port. */
export const listenAddress: Parser<ListenAddress> = (text) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65535) return refused(ALLOWED)
  return accepted({ host: match[1] ?? (match[2] === '' || match[2] === undefined ? '::' : match[2]), port })
}

/** The same, for listeners that must not be reachable from outside the pod. SECURITY: anyone who reaches them acts as this pod. */
export const loopbackAddress: Parser<ListenAddress> = (text) => {
  const parsed = listenAddress(text)
  if (parsed.ok && !isLoopback(parsed.value.host)) return refused('a loopback address, such as 127.0.0.1:15402')
  return parsed
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/** @returns the address as it would be written in a URL. */
export function formatAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** An address of a setting; undefined where the value itself was reported. */
export type Listener = readonly [variable: string, address: ListenAddress | undefined]

/** Reports listeners that would take each other's port, by both names. */
export function checkListeners(listeners: readonly Listener[], report: Report): void {
  for (const [index, [variable, address]] of listeners.entries()) {
    const other = listeners.slice(0, index).find(([, earlier]) => address && earlier && overlap(address, earlier))
    if (address && other)
      report({ where: variable, value: formatAddress(address), allowed: `another address than ${other[0]}` })
  }
}

/** Port 0 is another one each time. */
function overlap(one: ListenAddress, other: ListenAddress): boolean {
  if (one.port !== other.port || one.port === 0) return false
  return one.host === other.host || covers(one.host, other.host) || covers(other.host, one.host)
}

/** `::` takes every address, `0.0.0.0` those without colons. */
function covers(wildcard: string, host: string): boolean {
  return wildcard === '::' || (wildcard === '0.0.0.0' && !host.includes(':'))
}
