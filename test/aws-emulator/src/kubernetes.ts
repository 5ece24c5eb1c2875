import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import type { JSONWebKeySet } from 'jose'
import type { ClusterOptions } from './options.ts'

/** Where a pod finds its service account's token and the API server's CA. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** The cluster this process runs in: its API server publishes the keys of its service account issuer. */
export function thisCluster(issuer: string): ClusterOptions {
  return {
    issuer,
    jwks: async () => JSON.parse(await get('https://kubernetes.default.svc/openid/v1/jwks')) as JSONWebKeySet,
  }
}

function get(url: string): Promise<string> {
  const ca = readFileSync(`${SERVICE_ACCOUNT}/ca.crt`)
  const token = readFileSync(`${SERVICE_ACCOUNT}/token`, 'utf8')
  return new Promise((resolve, reject) => {
    request(url, { ca, headers: { authorization: `Bearer ${token}` } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString())
        else reject(new Error(`${url} answered ${response.statusCode ?? 0}`))
      })
    })
      .on('error', reject)
      .end()
  })
}
