import type { Client as ClientTypes, buildConnector } from 'undici'
import Client from 'undici/lib/dispatcher/client.js'

/** What a connection asks of the upstream that it belongs to. */
interface Owner {
  readonly origin: string
  /** Connects TCP and TLS, each time when there is no socket. */
  readonly connect: buildConnector.connector
  /** A connection has ended, perhaps while it was idle. */
  forget(connection: Connection): void
}

/** One connection to a partner, used by one request at a time and renewed when it ends under one. */
export class Connection extends Client {
  /** Requests sent over the present socket. */
  served = 0
  /** The present socket has failed, rather than ended. */
  isBroken = false
  /** When the present socket was connected; undefined when there is none. */
  connectedMs: number | undefined

  constructor(owner: Owner, options: ClientTypes.Options, now: () => number) {
    super(owner.origin, {
      ...options,
      connect: (target, done) =>
        owner.connect(target, (...[error, socket]) => {
          if (error) {
            done(error, null)
            return
          }
          this.served = 0
          this.isBroken = false
          this.connectedMs = now()
          // undici takes a reset for the end of a body that lasts until its connection ends; whoever wants to know sees it here.
          socket.on('error', () => {
            this.isBroken = true
          })
          done(null, socket)
        }),
    })
    this.on('disconnect', () => {
      this.connectedMs = undefined
      owner.forget(this)
    })
  }
}
