// One of two files that use jose; all of it is loaded when doctor runs, only what reads a JWT before that.
import type { JSONWebKeySet } from 'jose'
import type { Document } from './fetch.ts'

/**
 * Verifies the signature as a partner would, times aside: what they say is a check of its own.
 * @returns undefined when it verifies, else why not. SECURITY: never quoting the token.
 */
export async function verifySignature(jwt: string, keys: Document): Promise<string | undefined> {
  const { createLocalJWKSet, compactVerify, errors } = await import('jose')
  try {
    await compactVerify(jwt, createLocalJWKSet((keys.ok ? keys.json : { keys: [] }) as unknown as JSONWebKeySet))
    return undefined
  } catch (error) {
    return error instanceof errors.JOSEError ? error.message : 'the keys cannot be used'
  }
}
