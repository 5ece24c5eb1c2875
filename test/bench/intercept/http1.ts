import { exchangeOver } from '../proxy/exchange.ts'
import type { Connection } from '../proxy/exchange.ts'
import type { Load } from './load.ts'
import { repeat, times } from './load.ts'
import type { Target } from './targets.ts'

const CONNECTIONS = 50
/** Each a CONNECT and two handshakes: more at once only wait for each other. */
const HANDSHAKES = 16
const PROTOCOLS = ['http/1.1']

/** A request on each connection at all times. @param body makes it a POST. */
export async function keptConnections(target: Target, body = ''): Promise<Load> {
  const connections = await Promise.all(times(CONNECTIONS, () => open(target, body)))
  return {
    run: (seconds) =>
      repeat(
        connections.map((connection) => () => ask(connection)),
        seconds,
      ),
    close: () => {
      for (const connection of connections) connection.close()
    },
  }
}

/** A connection for each request. */
export function newConnections(target: Target): Promise<Load> {
  const work = async (): Promise<void> => {
    const connection = await open(target, '')
    await ask(connection)
    connection.close()
  }
  return Promise.resolve({
    run: (seconds) =>
      repeat(
        times(HANDSHAKES, () => work),
        seconds,
      ),
    close: () => undefined,
  })
}

async function open(target: Target, body: string): Promise<Connection> {
  const start = body === '' ? 'GET' : 'POST'
  const fields = [`Host: ${target.authority}`, ...(body === '' ? [] : [`Content-Length: ${body.length}`])]
  const head = [`${start} ${target.origin}/ HTTP/1.1`, ...fields, '', ''].join('\r\n')
  return exchangeOver(await target.open(PROTOCOLS), Buffer.from(head + body))
}

function ask(connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.send((error) => (error ? reject(error) : resolve()))
  })
}
