import type { Agent } from 'node:https'
import { request } from 'node:https'
import { patiently } from '../patience.ts'

export type Post = (path: string, body: Buffer) => Promise<{ readonly status: number; readonly text: string }>

/** Twice the deadline of the webhook. */
const HANG_MS = 60_000

/** POSTs as the API server does: over kept-alive TLS, framed by its length. */
export function post(url: string, body: Buffer | string, agent: Agent): ReturnType<Post> {
  const answered = new Promise<Awaited<ReturnType<Post>>>((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
        response.on('error', reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
  return patiently(answered, HANG_MS)
}
