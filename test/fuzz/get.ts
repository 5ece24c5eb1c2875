import { request } from 'node:http'
import type { OutgoingHttpHeaders } from 'node:http'
import { measureLateness, patiently } from './patience.ts'

/** Requests wait at most 11 s for a first token; the rest is a busy machine. */
const HANG_MS = 60_000
/** Of the limit of 10 s for a connection to the partner, who is here and answers at once. */
const LATE_MS = 1_000
/** A machine may be busy, but it is not always busy with just this request. */
const MOST_CALLS = 10

export interface Answered {
  readonly status: number
  /** Of the proxy's own errors. */
  readonly code: string | undefined
  readonly text: string
}

/**
 * Calls a URL through the proxy, on a connection of its own. What only a busy machine can bring about is called again.
 * @param headers made for each call.
 * @throws when that takes too long.
 */
export async function get(
  port: number,
  url: string,
  headers: () => OutgoingHttpHeaders = () => ({}),
  calls = 1,
): Promise<Answered> {
  const lateness = measureLateness()
  const answered = await patiently(send(port, url, headers()), HANG_MS).finally(lateness)
  const isBusy = isOurSlowness(answered) || (isPartnersSlowness(answered) && lateness() > LATE_MS)
  return isBusy && calls < MOST_CALLS ? get(port, url, headers, calls + 1) : answered
}

/** The head came 15 s after the connection. */
const isOurSlowness = ({ code }: Answered): boolean => code === 'request_timeout'

const isPartnersSlowness = ({ code }: Answered): boolean =>
  code === 'upstream_connect_failed' || code === 'upstream_tls_failed' || code === 'upstream_timeout'

function send(port: number, url: string, headers: OutgoingHttpHeaders): Promise<Answered> {
  return new Promise((resolve, reject) => {
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
}
