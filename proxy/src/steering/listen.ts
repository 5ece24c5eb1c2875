import type { Server } from 'node:net'
import { VARIABLES } from '../contract.ts'
import { SettingsError, errorCode, listen } from '../runtime/index.ts'
import type { ListenAddress } from '../runtime/index.ts'

const IPV4 = '127.0.0.1'
/** For clients that ask for IPv6 alone. */
const IPV6 = '::1'
const NO_IPV6: readonly (string | undefined)[] = ['EADDRNOTAVAIL', 'EAFNOSUPPORT']

/** What an author can do about a port that cannot be opened. */
const FIXES: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'a port that nothing else in this pod listens on (it is taken: give that program another port; declared as a containerPort, it is told when the pod is created)',
  EACCES: 'a port that this user may open (the pod needs the sysctl net.ipv4.ip_unprivileged_port_start=0)',
}

/**
 * Opens each port where the names of partners lead: on the loopback, never outside the pod.
 * @param create makes the server of a port.
 * @returns where they listen.
 * @throws SettingsError naming a port that is taken or may not be opened; whatever else a server reports.
 */
export async function listenSteered(
  ports: readonly number[],
  create: (port: number) => Server,
): Promise<readonly ListenAddress[]> {
  const opened: ListenAddress[] = []
  for (const port of ports)
    for (const host of [IPV4, IPV6]) {
      const address = await listen(create(port), { host, port }).catch((error: unknown) => explain(error, host, port))
      if (address) opened.push(address)
    }
  return opened
}

/** @returns undefined where there is nothing to listen on. */
function explain(error: unknown, host: string, port: number): undefined {
  const code = errorCode(error)
  if (host === IPV6 && NO_IPV6.includes(code)) return undefined
  const allowed = FIXES[code ?? '']
  if (allowed === undefined) throw error
  throw new SettingsError([{ where: VARIABLES.steeredPorts, value: String(port), allowed }])
}
