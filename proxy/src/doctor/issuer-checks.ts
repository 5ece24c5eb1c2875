import type { Token } from '../tokens/token.ts'
import { fetchDocument } from './fetch.ts'
import type { Get } from './fetch.ts'
import { configurationUrl, discoveryFinding, jwksFinding, jwksUrl, unverifiedFinding } from './issuer-findings.ts'
import type { Finding } from './report.ts'
import { verifySignature } from './signature.ts'

const DOCUMENT_MS = 5_000

/**
 * Reads what a partner would read to verify a token of this issuer, and verifies it. Never throws.
 * @param token undefined when there is none to verify: SECURITY: a source token is not kept once its exchange was refused.
 */
export async function examineIssuer(token: Token | undefined, issuer: string, send?: Get): Promise<readonly Finding[]> {
  const configuration = await fetchDocument(configurationUrl(issuer), AbortSignal.timeout(DOCUMENT_MS), send)
  const url = jwksUrl(issuer, configuration)
  const keys = await fetchDocument(url, AbortSignal.timeout(DOCUMENT_MS), send)
  const discovery = discoveryFinding(issuer, configuration)
  if (!token) return [discovery, unverifiedFinding(url, keys)]
  return [discovery, jwksFinding(url, keys, await verifySignature(token.value, keys))]
}
