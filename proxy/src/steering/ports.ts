import type { Parser, Report, Route } from '../contract.ts'
import { accepted, csv, integer, readHostPattern, refused } from '../contract.ts'
import type { ListenAddress } from '../runtime/index.ts'

/** Where partners' names lead to this pod, plain HTTP is served on this port, and TLS on every other. */
export const PLAIN_PORT = 80

const ports = csv(integer(1, 65_535))

/** `80,443`. Nothing: names are left to DNS. */
export const steeredPorts: Parser<readonly number[]> = (text) => {
  if (text === '') return accepted([])
  const parsed = ports(text)
  return parsed.ok && new Set(parsed.value).size < parsed.value.length ? refused('each port once') : parsed
}

/** What the ports must agree with. A value that was reported is undefined. */
interface SteeringSettings {
  readonly steeredPorts?: readonly number[] | undefined
  readonly routes?: readonly Route[] | undefined
  readonly listenAddr?: ListenAddress | undefined
  readonly adminListenAddr?: ListenAddress | undefined
  readonly controlListenAddr?: ListenAddress | undefined
}

/**
 * Tells what keeps these ports from leading anywhere.
 * @param refuse hears the ports that are wrong, and the allowed form.
 */
export function checkSteeredPorts(
  { steeredPorts: listed = [], routes = [], listenAddr, adminListenAddr, controlListenAddr }: SteeringSettings,
  refuse: (ports: readonly number[], allowed: string) => void,
): void {
  if (listed.length === 0) return
  const intercepted = routes.filter(({ https }) => https === 'intercept').flatMap(({ hosts }) => hosts)
  const needed = new Map(intercepted.map((text) => [readHostPattern(text).port, text]))
  for (const [port, host] of needed)
    if (!listed.includes(port)) refuse(listed, `${port} among them, because the route of ${host} intercepts`)
  const idle = listed.filter((port) => port !== PLAIN_PORT && !needed.has(port))
  if (idle.length > 0) refuse(idle, `${PLAIN_PORT} and the ports of routes with https: intercept, and no other`)
  const own = [listenAddr, adminListenAddr, controlListenAddr].flatMap((address) => address?.port ?? [])
  const taken = listed.filter((port) => own.includes(port))
  if (taken.length > 0) refuse(taken, 'no port of LISTEN_ADDR, ADMIN_LISTEN_ADDR or CONTROL_LISTEN_ADDR')
}

/** @returns the same, as problems of the setting. */
export const reportSteeredPorts =
  (where: string, report: Report) =>
  (wrong: readonly number[], allowed: string): void =>
    report({ where, value: wrong.join(','), allowed })
