import { request } from 'node:http'
import type { OutgoingHttpHeaders } from 'node:http'
import { patiently } from './patience.ts'

/** Requests wait at most 11 s for a first token; the rest is a busy machine. */
const HANG_MS = 60_000

export interface Answered {
  readonly status: number
  /** Of the proxy's own errors. */
  readonly code: string | undefined
  readonly text: string
}

/** Calls a URL through the proxy, on a connection of its own. @throws when that takes too long. */
export function get(port: number, url: string, headers: OutgoingHttpHeaders = {}): Promise<Answered> {
  const answered = new Promise<Answered>((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path: url, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('error', reject)
      response.on('end', () => {
        const code = response.headers['x-outbound-jwt-error']
        resolve({ status: response.statusCode ?? 0, code: typeof code === 'string' ? code : undefined, text })
      })
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
  return patiently(answered, HANG_MS)
}
