import { readFile } from 'node:fs/promises'
import { decodeJwt } from 'jose'
import type { JSONWebKeySet } from 'jose'
import { readFromApiServer, ownToken } from './api-server.ts'
import type { Cluster } from './cluster.ts'

/** Stands for the API server of the cluster that this process runs in. */
export const API_SERVER = 'api-server'

/** Longest wait for the keys of a cluster. */
const LIMIT_MS = 5_000

/**
 * A cluster by where its keys are: `api-server`, an http(s) URL, or a file that is read again for every token.
 * @param issuer of its service account tokens; empty: the issuer of this process's own token.
 * @throws when there is no issuer and no token of this process to read it from.
 */
export async function clusterFrom(location: string, issuer: string): Promise<Cluster> {
  return {
    issuer: issuer === '' ? (decodeJwt(await ownToken()).iss ?? '') : issuer,
    jwks: async () => JSON.parse(await read(location)) as JSONWebKeySet,
  }
}

async function read(location: string): Promise<string> {
  if (location === API_SERVER) return readFromApiServer('/openid/v1/jwks', LIMIT_MS)
  if (!/^https?:/.test(location)) return readFile(location, 'utf8')
  const response = await fetch(location, { signal: AbortSignal.timeout(LIMIT_MS) })
  if (!response.ok) throw new Error(`${location} answered ${response.status}`)
  return response.text()
}
