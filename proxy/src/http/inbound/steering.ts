import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { ProxyError } from '../../errors.ts'
import type { InterceptedTunnel, Router } from '../../routing/router.ts'
import { PLAIN_PORT } from '../../steering/ports.ts'
import type { Limits } from '../limits.ts'
import type { Interception } from '../tunnel/interception.ts'

/** What happens to connections that a partner's name has led here. */
export interface SteeringObserver {
  steered(result: 'plain' | 'intercepted'): void
  /** @param host the name that TLS asks for; empty when there is none, or none that could be a host. */
  unrecognizedName(host: string, port: number): void
  connectionRefused(error: ProxyError, requestId: string): void
}

interface SteeringDeps {
  readonly router: Pick<Router, 'tunnel'>
  readonly interception: Pick<Interception, 'admits' | 'acceptNamed'>
  readonly limits: Pick<Limits, 'clientSockets'>
  readonly observer: SteeringObserver
  readonly requestId: () => string
  readonly servePlain: (client: Socket) => void
}

/** Creates the server of a steered port. The caller listens, and closes. */
export type Steer = (port: number) => Server

/** Creates the servers for applications that take this proxy for the partner itself: no CONNECT says whom they mean. */
export function createSteering(deps: SteeringDeps): Steer {
  const { interception, limits, observer, requestId, router, servePlain } = deps
  /** Of all ports together. */
  let open = 0

  return (port) =>
    // As Node's server of HTTP has them, which decides itself when to end its side.
    createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const isPlain = port === PLAIN_PORT
      if (open >= limits.clientSockets || (!isPlain && !interception.admits(client))) {
        observer.connectionRefused(new ProxyError('overloaded'), requestId())
        client.destroy()
        return
      }
      open++
      client.once('close', () => open--)
      if (isPlain) {
        observer.steered('plain')
        servePlain(client)
      } else interception.acceptNamed(client, (name) => tunnelOf(name, port))
    })

  function tunnelOf(name: string | undefined, port: number): InterceptedTunnel | undefined {
    const decision = router.tunnel(`${name ?? ''}:${port}`)
    if ('mode' in decision && decision.mode === 'intercepted') {
      observer.steered('intercepted')
      return decision
    }
    observer.unrecognizedName(decision.host, port)
    return undefined
  }
}
