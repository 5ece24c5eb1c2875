import { readFile } from 'node:fs/promises'
import { request } from 'node:https'

/** Where a pod finds its service account's token and the API server's CA. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
const ADDRESS = 'https://kubernetes.default.svc'

/** @returns the token of this process's service account. */
export const ownToken = (): Promise<string> => readFile(`${SERVICE_ACCOUNT}/token`, 'utf8')

/** Reads a path of the API server of the cluster that this process runs in. */
export async function readFromApiServer(path: string, limitMs: number): Promise<string> {
  const ca = await readFile(`${SERVICE_ACCOUNT}/ca.crt`)
  const headers = { authorization: `Bearer ${await ownToken()}` }
  const signal = AbortSignal.timeout(limitMs)
  return new Promise((resolve, reject) => {
    request(`${ADDRESS}${path}`, { ca, headers, signal }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString())
        else reject(new Error(`${path} answered ${response.statusCode ?? 0}`))
      })
    })
      .on('error', reject)
      .end()
  })
}
