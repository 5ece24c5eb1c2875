import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestAuthority } from '../support/certificates.ts'
import { postJson } from '../support/https.ts'
import type { RunningProcess } from '../support/process.ts'
import { startNode } from '../support/process.ts'
import { argumentsHere, entrypoint } from '../support/image.ts'

/** The recorded request of a Kubernetes 1.36 API server. */
const RECORDED = 'test/fixtures/reviews/admissionreview-kubernetes-1.36.json'

export interface Review {
  readonly request: { readonly uid: string; readonly object: unknown }
}

export interface AdmissionResponse {
  readonly uid: string
  readonly allowed: boolean
  readonly patch?: string
  readonly status?: { readonly message?: string; readonly code?: number }
  readonly warnings?: readonly string[]
}

export interface RunningWebhook {
  readonly address: string
  readonly process: RunningProcess
  review(review: Review): Promise<AdmissionResponse>
}

export function recordedReview(): Review {
  return JSON.parse(readFileSync(RECORDED, 'utf8')) as Review
}

/** Starts the shipped webhook with a serving certificate in files, as its chart would with mode `secret`. */
export async function startWebhook(
  directory: string,
  authority: TestAuthority,
  sidecarEnv: Readonly<Record<string, string>>,
): Promise<RunningWebhook> {
  const { cert, key } = await authority.issue(['localhost', '127.0.0.1'])
  const files = { TLS_CERT_FILE: join(directory, 'webhook.crt'), TLS_KEY_FILE: join(directory, 'webhook.key') }
  writeFileSync(files.TLS_CERT_FILE, cert)
  writeFileSync(files.TLS_KEY_FILE, key, { mode: 0o600 })
  const process = startNode(argumentsHere(entrypoint('Dockerfile.webhook'), 'dist/webhook'), {
    LISTEN_ADDR: '127.0.0.1:0',
    ADMIN_LISTEN_ADDR: '127.0.0.1:0',
    CERTIFICATE_MODE: 'secret',
    ...files,
    PROXY_IMAGE: 'ghcr.io/aws-outbound-jwt-injector/proxy:demo',
    SIDECAR_EXTRA_ENV: JSON.stringify(sidecarEnv),
  })
  const address = String((await process.logged('listening'))['webhook'])
  return {
    address,
    process,
    review: async (review) => {
      const { status, body } = await postJson(`https://${address}/mutate`, JSON.stringify(review), authority.ca)
      if (status !== 200) throw new Error(`the webhook answered ${status}: ${body}`)
      return (JSON.parse(body) as { response: AdmissionResponse }).response
    },
  }
}

/** @returns the review with one annotation changed. */
export function withAnnotation(review: Review, name: string, value: string): Review {
  const changed = structuredClone(review) as {
    request: { object: { metadata: { annotations: Record<string, string> } } }
  }
  changed.request.object.metadata.annotations[name] = value
  return changed as unknown as Review
}
