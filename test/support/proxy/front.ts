import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { TLSSocket, createServer as createTlsServer } from 'node:tls'
import type { KeyPair } from '../certificates.ts'
import { observe } from './upstream.ts'

/** Stands in front of a port of this machine and passes bytes on both ways. */
export interface Front {
  readonly port: number
  /** Common names of the certificates that clients have shown, one for each connection; empty for none. */
  readonly shown: readonly string[]
  /** What clients have sent, without TLS of the front itself. */
  sent(): Buffer
  close(): Promise<void>
}

/** @param pair makes it speak TLS, ask every client for a certificate, and let in who has none. */
export async function startFront(target: number, pair?: KeyPair): Promise<Front> {
  const shown: string[] = []
  const sent: Buffer[] = []
  const pass = (client: Socket): void => {
    shown.push(client instanceof TLSSocket ? nameOf(client) : '')
    const server = connect(target, '127.0.0.1')
    client.on('data', (chunk) => sent.push(chunk as Buffer))
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const)
      one
        .on('error', () => other.destroy())
        .once('close', () => other.destroy())
        .pipe(other)
  }
  const { port, close } = await observe(
    pair ? createTlsServer({ ...pair, requestCert: true, rejectUnauthorized: false }, pass) : createServer(pass),
  )
  return { port, shown, sent: () => Buffer.concat(sent), close }
}

/** A client without a certificate has an empty one here. */
function nameOf(client: TLSSocket): string {
  const { subject } = client.getPeerCertificate() as Partial<ReturnType<TLSSocket['getPeerCertificate']>>
  return String(subject?.CN ?? '')
}
