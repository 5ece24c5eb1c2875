import { once } from 'node:events'
import type { Server } from 'node:net'
import { formatAddress } from './addresses.ts'
import type { ListenAddress } from './addresses.ts'
import { errorCode } from './error-code.ts'
import { SettingsError } from './settings.ts'

/** What an author can do about a port that cannot be opened. */
const FIXES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'a port that nothing else listens on (this one is taken)',
  EACCES: 'a port that this user may open, such as one above 1023',
  EADDRNOTAVAIL: 'an address of this machine',
}

/**
 * Opens the port of a setting.
 * @throws SettingsError naming the setting when its port is taken, may not be opened, or is on another machine.
 */
export async function listenAt(variable: string, server: Server, address: ListenAddress): Promise<ListenAddress> {
  try {
    return await listen(server, address)
  } catch (error) {
    const allowed = FIXES[errorCode(error) ?? '']
    if (allowed === undefined) throw error
    throw new SettingsError([{ where: variable, value: formatAddress(address), allowed }])
  }
}

/**
 * Opens a port; where IPv6 is switched off, every IPv4 address stands in for every address.
 * @returns the address it listens on.
 * @throws what the server reports, such as EADDRINUSE.
 */
export async function listen(server: Server, { host, port }: ListenAddress): Promise<ListenAddress> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    if (host !== '::' || errorCode(error) !== 'EAFNOSUPPORT') throw error
    return listen(server, { host: '0.0.0.0', port })
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('listening on something that is no port')
  return { host: address.address, port: address.port }
}
