import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestAuthority } from './certificates.ts'
import type { Reply } from './https.ts'
import { postJson } from './https.ts'
import type { RunningProcess } from './process.ts'
import { startNode } from './process.ts'
import { argumentsHere, entrypoint } from './image.ts'

/** As the image starts it; the bundle must be built. */
export const WEBHOOK_COMMAND = argumentsHere(entrypoint('Dockerfile.webhook'), 'dist/webhook')

/** The recorded request of a Kubernetes 1.36 API server. */
const RECORDED = 'test/fixtures/reviews/admissionreview-kubernetes-1.36.json'

export interface Review {
  readonly request: { readonly uid: string; readonly object: unknown }
}

export interface AdmissionResponse {
  readonly uid: string
  readonly allowed: boolean
  readonly patch?: string
  readonly patchType?: string
  readonly status?: { readonly message?: string; readonly code?: number }
  readonly warnings?: readonly string[]
}

export interface RunningWebhook {
  readonly address: string
  readonly adminAddress: string
  readonly process: RunningProcess
  /** POSTs any body to any path over TLS. */
  post(path: string, body: string): Promise<Reply>
  review(review: Review): Promise<AdmissionResponse>
}

export function recordedReview(): Review {
  return JSON.parse(readFileSync(RECORDED, 'utf8')) as Review
}

/** Starts the shipped webhook with a serving certificate in files, as its chart would with mode `secret`. */
export async function startWebhook(
  directory: string,
  authority: TestAuthority,
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningWebhook> {
  const process = startNode(WEBHOOK_COMMAND, {
    LISTEN_ADDR: '127.0.0.1:0',
    ADMIN_LISTEN_ADDR: '127.0.0.1:0',
    CERTIFICATE_MODE: 'secret',
    ...(await certificateFiles(directory, authority)),
    PROXY_IMAGE: 'ghcr.io/aws-outbound-jwt-injector/proxy:demo',
    ...environment,
  })
  const { webhook, admin } = await process.logged('listening')
  const post = (path: string, body: string): Promise<Reply> =>
    postJson(`https://${String(webhook)}${path}`, body, authority.ca)
  return {
    address: String(webhook),
    adminAddress: String(admin),
    process,
    post,
    review: async (review) => {
      const { status, body } = await post('/mutate', JSON.stringify(review))
      if (status !== 200) throw new Error(`the webhook answered ${status}: ${body}`)
      return (JSON.parse(body) as { response: AdmissionResponse }).response
    },
  }
}

async function certificateFiles(directory: string, authority: TestAuthority): Promise<Record<string, string>> {
  const { cert, key } = await authority.issue(['localhost', '127.0.0.1'])
  const files = { TLS_CERT_FILE: join(directory, 'webhook.crt'), TLS_KEY_FILE: join(directory, 'webhook.key') }
  writeFileSync(files.TLS_CERT_FILE, cert)
  writeFileSync(files.TLS_KEY_FILE, key, { mode: 0o600 })
  return files
}

/** @returns the review with one annotation changed. */
export function withAnnotation(review: Review, name: string, value: string): Review {
  const changed = structuredClone(review) as {
    request: { object: { metadata: { annotations: Record<string, string> } } }
  }
  changed.request.object.metadata.annotations[name] = value
  return changed as unknown as Review
}
