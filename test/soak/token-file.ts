import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createVerifier } from '../support/partner/verify.ts'
import { until } from '../support/until.ts'

/** An application that reads a token file all the time, and now and then somebody removes it. */
export interface TokenFileReader {
  /** Reads it once. @throws when it is not there, not whole, or its token is not good. */
  read(): Promise<void>
  /** Different tokens so far. */
  tokens(): number
}

/** The sidecar looks after 10 s. */
const BACK_MS = 30_000
const READS_PER_REMOVAL = 300

export function createTokenFileReader(path: string, audience: string, issuer: string): TokenFileReader {
  const verify = createVerifier({ issuer, jwksUri: `${issuer}/.well-known/jwks.json`, audience })
  let last = ''
  let endsMs = 0
  let reads = 0
  let tokens = 0
  let isRemoved = false
  return {
    tokens: () => tokens,
    read: async () => {
      if (isRemoved) return
      if (++reads % READS_PER_REMOVAL === 0) await remove()
      const token = readFileSync(path, 'utf8')
      if (token === last) {
        if (Date.now() >= endsMs) throw new Error('the token in the file is over')
        return
      }
      const verdict = await verify({ headers: { authorization: `Bearer ${token}` } })
      if (!verdict.verified)
        throw new Error(`the file holds ${token.length} bytes that are no good token: ${verdict.reason}`)
      if (token === last) return
      tokens++
      last = token
      endsMs = (verdict.claims.exp ?? 0) * 1000
    },
  }

  async function remove(): Promise<void> {
    isRemoved = true
    rmSync(path)
    await until('a token file that was removed is back', () => existsSync(path), BACK_MS, 100)
    isRemoved = false
  }
}
