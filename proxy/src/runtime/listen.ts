import { once } from 'node:events'
import type { Server } from 'node:net'
import type { ListenAddress } from './addresses.ts'
import { errorCode } from './error-code.ts'

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
