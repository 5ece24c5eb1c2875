import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Reply } from '../http/reply.ts'
import type { Fault } from './fault.ts'

/** Sends an answer, or does to the connection what the fault says. */
export async function transmit(reply: Reply, fault: Fault | undefined, response: ServerResponse): Promise<void> {
  switch (fault?.kind) {
    case 'hang':
      return
    case 'reset':
      response.socket?.resetAndDestroy()
      return
    case 'half-close':
      response.socket?.end()
      return
    case 'truncated':
      response.writeHead(reply.status, headersOf(reply))
      response.write(reply.body.slice(0, reply.body.length / 2), () => response.destroy())
      return
    case 'slow-body':
      await sendSlowly(reply, fault.milliseconds, response)
      return
    case 'delay':
      await wait(fault.milliseconds, undefined, { ref: false })
      break
    default:
  }
  response.writeHead(reply.status, headersOf(reply)).end(reply.body)
}

const headersOf = (reply: Reply): Record<string, string | number> => ({
  'content-type': reply.contentType,
  'content-length': Buffer.byteLength(reply.body),
  ...reply.headers,
})

/** Pieces that a slow body comes in. */
const PIECES = 10

async function sendSlowly(reply: Reply, milliseconds: number, response: ServerResponse): Promise<void> {
  const body = Buffer.from(reply.body)
  const size = Math.ceil(body.length / PIECES)
  response.writeHead(reply.status, headersOf(reply))
  response.flushHeaders()
  for (let start = 0; start < body.length && !response.destroyed; start += size) {
    await wait(milliseconds / PIECES, undefined, { ref: false })
    response.write(body.subarray(start, start + size))
  }
  response.end()
}
