import { createHash, createSign, generateKeyPairSync, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { StsAnswer } from './answers.ts'

export const ROLE = 'arn:aws:iam::123456789012:role/orders'

/** Makes the tokens of answers, and recognises its own. */
export interface Issuer {
  /** @param audience what was asked for. */
  issue(answer: StsAnswer, audience: string): string
  verifies(token: string): boolean
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export function createIssuer(): Issuer {
  const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const sign = (content: string, key: KeyObject): string => createSign('sha256').update(content).sign(key, 'base64url')
  return {
    issue: ({ claims, signature }, audience) => {
      const content = `${part({ alg: signature === 'alg none' ? 'none' : 'RS256', kid: 'own' })}.${part(payload(claims, audience))}`
      switch (signature) {
        case 'issuer':
          return `${content}.${sign(content, own.privateKey)}`
        case 'stranger':
          return `${content}.${sign(content, stranger.privateKey)}`
        case 'none':
          return content
        case 'empty':
          return `${content}.`
        case 'alg none':
          return `${content}.bm9uZQ`
      }
    },
    verifies: (token) => {
      const end = token.lastIndexOf('.')
      return verify(
        'sha256',
        Buffer.from(token.slice(0, end)),
        own.publicKey,
        Buffer.from(token.slice(end + 1), 'base64url'),
      )
    },
  }
}

function payload(claims: StsAnswer['claims'], audience: string): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000)
  const odd = JSON.parse(JSON.stringify(claims).replaceAll('%AUD%', audience)) as Record<string, unknown>
  const relative = (name: string, otherwise: number): Record<string, unknown> => {
    const value = name in odd ? odd[name] : otherwise
    return { [name]: typeof value === 'number' ? now + value : value }
  }
  const jti = createHash('sha256').update(audience).digest('hex').slice(0, 16)
  return {
    iss: 'https://issuer.example',
    sub: ROLE,
    aud: audience,
    jti,
    ...odd,
    ...relative('iat', 0),
    ...relative('exp', 900),
  }
}
