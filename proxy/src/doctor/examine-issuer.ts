import { fetchDocument } from './fetch.ts'
import { configurationUrl, discoveryFinding, jwksFinding, jwksUrl } from './issuer.ts'
import type { Finding } from './report.ts'
import { verifySignature } from './signature.ts'
import type { Minted } from './token.ts'

/** A token that was minted to look at. */
export interface Specimen extends Minted {
  /** SECURITY: the secret; its signature is verified, and it goes nowhere. */
  readonly jwt: string
  /** STS's clock minus this machine's. */
  readonly skewMs: number
}

const DOCUMENT_MS = 5_000

/** Reads what a partner would read to verify this token, and verifies it. Never throws. */
export async function examineIssuer({ jwt, claims: { issuer } }: Specimen): Promise<readonly Finding[]> {
  const configuration = await fetchDocument(configurationUrl(issuer), AbortSignal.timeout(DOCUMENT_MS))
  const url = jwksUrl(issuer, configuration)
  const keys = await fetchDocument(url, AbortSignal.timeout(DOCUMENT_MS))
  const verification = await verifySignature(jwt, keys)
  return [discoveryFinding(issuer, configuration), jwksFinding(url, keys, verification)]
}
