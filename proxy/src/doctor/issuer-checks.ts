import type { Token } from '../tokens/token.ts'
import { fetchDocument } from './fetch.ts'
import type { Get } from './fetch.ts'
import { configurationUrl, discoveryFinding, jwksFinding, jwksUrl } from './issuer-findings.ts'
import type { Finding } from './report.ts'
import { verifySignature } from './signature.ts'

const DOCUMENT_MS = 5_000

/** Reads what a partner would read to verify this token, and verifies it. Never throws. */
export async function examineIssuer({ value }: Token, issuer: string, send?: Get): Promise<readonly Finding[]> {
  const configuration = await fetchDocument(configurationUrl(issuer), AbortSignal.timeout(DOCUMENT_MS), send)
  const url = jwksUrl(issuer, configuration)
  const keys = await fetchDocument(url, AbortSignal.timeout(DOCUMENT_MS), send)
  const verification = await verifySignature(value, keys)
  return [discoveryFinding(issuer, configuration), jwksFinding(url, keys, verification)]
}
