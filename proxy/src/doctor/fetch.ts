import { isRecord } from '../contract.ts'
import { ProxyError } from '../errors.ts'
import { errorCode, readText } from '../runtime/index.ts'

/** A JSON object from the web, or why there is none. */
export type Document =
  | { readonly ok: true; readonly json: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly problem: string }

/** Sends a GET. Redirects are not followed: relying parties do not either. @throws as rejection. */
export type Get = (
  url: string,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly body: AsyncIterable<Uint8Array> | null }>

const getDirectly: Get = (url, signal) =>
  fetch(url, { signal, redirect: 'manual', headers: { accept: 'application/json' } })

/** Ten times what AWS publishes. */
const LARGEST_BYTES = 64 * 1024

/** Reads a document of an issuer. Never throws. */
export async function fetchDocument(url: string, signal: AbortSignal, send: Get = getDirectly): Promise<Document> {
  if (!isWebUrl(url)) return { ok: false, problem: 'not an http:// or https:// URL' }
  try {
    const response = await send(url, signal)
    const text = response.body === null ? '' : await readText(response.body, LARGEST_BYTES)
    if (text === undefined) return { ok: false, problem: `more than ${LARGEST_BYTES} bytes` }
    if (response.status !== 200) return { ok: false, problem: `status ${response.status}` }
    return parse(text)
  } catch (error) {
    return { ok: false, problem: signal.aborted ? 'no answer in time' : describe(error) }
  }
}

/** An issuer is any text that its cluster chose, such as `kubernetes/serviceaccount`. */
const isWebUrl = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)

function parse(text: string): Document {
  try {
    const json: unknown = JSON.parse(text)
    if (isRecord(json)) return { ok: true, json }
  } catch {
    // Told below.
  }
  return { ok: false, problem: 'the answer is not a JSON object' }
}

/** `fetch` wraps what happened in an error that says nothing. */
function describe(error: unknown): string {
  if (error instanceof ProxyError) return error.message
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error
  return errorCode(cause) ?? (cause instanceof Error ? cause.message : String(cause))
}
