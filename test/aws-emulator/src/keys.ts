import type { JSONWebKeySet, JWTPayload } from 'jose'
import { SignJWT, exportJWK, generateKeyPair } from 'jose'

/** Keys of one issuer: signs with them, publishes their public halves. */
export interface IssuerKeys {
  readonly jwks: JSONWebKeySet
  sign(algorithm: string, claims: JWTPayload): Promise<string>
}

/** @param kids key ID by algorithm. AWS uses the same two IDs in every account. */
export async function createIssuerKeys(kids: Readonly<Record<string, string>>): Promise<IssuerKeys> {
  const keys = await Promise.all(
    Object.entries(kids).map(async ([alg, kid]) => {
      const { publicKey, privateKey } = await generateKeyPair(alg)
      return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), alg, kid, use: 'sig' } }
    }),
  )
  return {
    jwks: { keys: keys.map(({ jwk }) => jwk) },
    sign: (algorithm, claims) => {
      const key = keys.find(({ alg }) => alg === algorithm)
      if (!key) throw new TypeError(`no key for ${algorithm}`)
      return new SignJWT(claims).setProtectedHeader({ kid: key.kid, typ: 'JWT', alg: key.alg }).sign(key.privateKey)
    },
  }
}
