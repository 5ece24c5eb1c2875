import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyPair } from '../certificates.ts'
import { accepts, freePort } from '../port.ts'
import { until } from '../until.ts'

export interface OpensslOptions extends KeyPair {
  /** PEM of the authorities whose clients it lets in. */
  readonly clientCa: string
  readonly version: 'tls1_2' | 'tls1_3'
}

/** Starts a server that ends TLS with an alert over a client certificate; Node's own closes the connection without one. */
export async function startOpensslServer({ cert, key, clientCa, version }: OpensslOptions): Promise<{
  readonly port: number
  close(): Promise<void>
}> {
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-openssl-'))
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const port = await freePort()
  const files = ['-cert', file('tls.crt', cert), '-key', file('tls.key', key), '-CAfile', file('clients.crt', clientCa)]
  const args = ['s_server', '-accept', `127.0.0.1:${port}`, `-${version}`, '-Verify', '2', '-verify_return_error']
  const child = spawn('openssl', [...args, '-www', ...files], { stdio: 'ignore' })
  const gone = once(child, 'close')
  await until(`openssl listens on ${port}`, () => accepts(port))
  return {
    port,
    close: async () => {
      child.kill('SIGKILL')
      await gone
      rmSync(directory, { recursive: true })
    },
  }
}
