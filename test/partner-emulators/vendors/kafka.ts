import { generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import { JWT_BEARER, answering, opaque, refusal, verify, wrongFields } from '../vendor.ts'
import type { Vendor } from '../vendor.ts'

export const KAFKA = { audience: 'https://kafka.localhost', path: '/oauth2/token' } as const
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** The authorization server of brokers, by RFC 7523 §2.1. Kafka's clients want a JWT from it, for its `sub` and `exp`. */
export const kafka: Vendor = ({ path, body, fields }, trust) => {
  if (path !== KAFKA.path || body !== 'form' || wrongFields(fields, ['grant_type', 'assertion'], ['scope']).length > 0)
    return Promise.resolve(refusal('invalid_request'))
  if (fields['grant_type'] !== JWT_BEARER) return Promise.resolve(refusal('unsupported_grant_type'))
  return answering(
    async () => {
      const { sub = '' } = await verify(fields['assertion'], trust, { audience: KAFKA.audience })
      const token = await new SignJWT({})
        .setProtectedHeader({ alg: 'RS256' })
        .setSubject(sub)
        .setIssuedAt()
        .setExpirationTime('5m')
        .setJti(opaque('kafka-'))
        .sign(privateKey)
      return { status: 200, json: { access_token: token, token_type: 'Bearer', expires_in: 300 } }
    },
    (flaw) => refusal('invalid_grant', `assertion: ${flaw}`),
  )
}
