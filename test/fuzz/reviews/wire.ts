import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'node:tls'
import { isCutOff, isWhole, statusOf } from '../answer.ts'
import { patiently } from '../patience.ts'
import type { ReviewCase } from './cases.ts'

type RawCase = Extract<ReviewCase, { bytes: string }>

export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly ca: string
}

/** Far beyond the deadline of 0.9 s; the process has to share the machine. */
const HANG_MS = 60_000

/** Says bytes over TLS. @returns the status that was answered, or that the connection was ended. @throws for anything else. */
export async function say({ host, port, ca }: Endpoint, { bytes, pieces, end }: RawCase): Promise<string> {
  const socket = connect({ host, port, ca, servername: 'localhost' })
  let answer = ''
  let failed = false
  const isReset = (): boolean => failed
  const heard = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
      if (isWhole(answer)) resolve()
    })
    socket.once('end', () => resolve())
    socket.once('close', () => resolve())
    socket.on('error', () => {
      failed = true
      resolve()
    })
  })
  const size = Math.max(1, Math.ceil(bytes.length / pieces))
  for (let at = 0; at < bytes.length && !socket.destroyed; at += size) {
    socket.write(bytes.slice(at, at + size), 'latin1')
    await new Promise(setImmediate)
  }
  if (end === 'end') socket.end()
  if (end === 'reset') {
    await delay(2)
    socket.destroy()
    return 'client left'
  }
  await patiently(heard, HANG_MS)
  socket.destroy()
  const status = statusOf(answer)
  // A server that does not read on resets what it has not read, and the answer may be lost with it.
  const isBodiless = bytes.startsWith('HEAD ')
  if (isCutOff(answer) && !isBodiless && !isReset()) throw new Error(`half an answer: ${JSON.stringify(answer)}`)
  return status
}
