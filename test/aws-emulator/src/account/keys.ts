import type { JSONWebKeySet, JWTPayload } from 'jose'
import { SignJWT, exportJWK, generateKeyPair } from 'jose'

/** Keys of one issuer: signs with them, publishes their public halves. */
export interface IssuerKeys {
  /** What is published now. */
  jwks(): JSONWebKeySet
  sign(algorithm: string, claims: JWTPayload): Promise<string>
  /** Signs under the current kid with a key that was never published. */
  signWithUnpublishedKey(algorithm: string, claims: JWTPayload): Promise<string>
  /** Makes new keys and signs with them from now on. */
  rotate(rotation?: KeyRotation): Promise<void>
}

export interface KeyRotation {
  /** Whether the keys before stay published; default true. */
  readonly keepOld?: boolean
  /** Whether the new keys take the kids of the old, which then cannot stay published; default false. */
  readonly sameKid?: boolean
}

interface IssuerKey {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly jwk: JSONWebKeySet['keys'][number]
}

/** @param kids key ID by algorithm without its number; AWS uses the same in every account. The number of the first keys is 0. */
export async function createIssuerKeys(kids: Readonly<Record<string, string>>): Promise<IssuerKeys> {
  let generation = 0
  const generate = (): Promise<readonly IssuerKey[]> =>
    Promise.all(Object.entries(kids).map(([alg, kid]) => generateKey(alg, `${kid}_${generation}`)))
  let current = await generate()
  let published = current
  const keyFor = (algorithm: string): IssuerKey => {
    const key = current.find(({ alg }) => alg === algorithm)
    if (!key) throw new TypeError(`no key for ${algorithm}`)
    return key
  }
  return {
    jwks: () => ({ keys: published.map(({ jwk }) => jwk) }),
    sign: (algorithm, claims) => sign(keyFor(algorithm), claims),
    signWithUnpublishedKey: async (algorithm, claims) =>
      sign(await generateKey(algorithm, keyFor(algorithm).kid), claims),
    rotate: async ({ keepOld = true, sameKid = false } = {}) => {
      if (!sameKid) generation += 1
      const old = keepOld && !sameKid ? published : []
      current = await generate()
      published = [...current, ...old]
    },
  }
}

async function generateKey(alg: string, kid: string): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), alg, kid, use: 'sig' } }
}

const sign = ({ alg, kid, privateKey }: IssuerKey, claims: JWTPayload): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ kid, typ: 'JWT', alg }).sign(privateKey)
