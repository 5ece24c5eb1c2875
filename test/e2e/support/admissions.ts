import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'yaml'
import { PROXY_CONTAINER } from '../../../proxy/src/contract.ts'

/** Creates pods as the cluster's administrator, as dry runs: admission is real, nothing is stored. */
export interface Admissions {
  /**
   * @returns undefined when the pod came back as it should, with our sidecar if it asked for one and without otherwise; else what is wrong.
   * @throws when nobody decided: no answer came, or the API server is unavailable.
   */
  create(): Promise<string | undefined>
  close(): void
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[]
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[]
}

type Annotations = Readonly<Record<string, string>>

/** With a role of its own, so that the guard of an installed chart lets it pass. */
const ASKING: Annotations = {
  'outbound-jwt.io/inject': 'true',
  'outbound-jwt.io/hosts': 'api.partner.example',
  'outbound-jwt.io/role-arn': 'arn:aws:iam::123456789012:role/orders',
  'outbound-jwt.io/region': 'eu-central-1',
}

/**
 * @param namespace where the pods are created. Needs a KUBECONFIG with a client certificate.
 * @param asking whether the pods ask for a token.
 */
export function createAdmissions(namespace: string, asking = true): Admissions {
  const config = parse(readFileSync(process.env['KUBECONFIG'] ?? '', 'utf8')) as Kubeconfig
  const cluster = config.clusters[0]?.cluster ?? {}
  const user = config.users[0]?.user ?? {}
  const pem = (source: Readonly<Record<string, string>>, name: string): Buffer | undefined =>
    source[`${name}-data`] !== undefined
      ? Buffer.from(source[`${name}-data`] ?? '', 'base64')
      : source[name] === undefined
        ? undefined
        : readFileSync(source[name])
  const agent = new Agent({
    keepAlive: true,
    ca: pem(cluster, 'certificate-authority'),
    cert: pem(user, 'client-certificate'),
    key: pem(user, 'client-key'),
  })
  const url = `${cluster['server'] ?? ''}/api/v1/namespaces/${namespace}/pods?dryRun=All`
  const body = JSON.stringify(pod(asking ? ASKING : {}))
  return {
    create: () =>
      new Promise((resolve, reject) => {
        const headers = {
          'content-type': 'application/json',
          ...(user['token'] && { authorization: `Bearer ${user['token']}` }),
        }
        const outgoing = request(url, { method: 'POST', agent, headers }, (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            const said = Buffer.concat(chunks).toString()
            // The API server's own word that it is about to end; what a webhook or a policy says has another status.
            if (response.statusCode === 503) reject(new Error(said))
            else resolve(judge(response.statusCode, said, asking))
          })
        })
        outgoing.on('error', reject)
        outgoing.end(body)
      }),
    close: () => agent.destroy(),
  }
}

function judge(status: number | undefined, body: string, asking: boolean): string | undefined {
  const answer = JSON.parse(body) as { message?: string; spec?: { initContainers?: readonly { name: string }[] } }
  if (status !== 201) return answer.message ?? body
  const injected = answer.spec?.initContainers?.some(({ name }) => name === PROXY_CONTAINER) ?? false
  if (injected === asking) return undefined
  return asking ? 'admitted without the sidecar' : 'admitted with a sidecar that nobody asked for'
}

/** @returns true once pods are admitted. @throws with what the API server said. */
export async function admitted(admissions: Admissions): Promise<true> {
  const failure = await admissions.create()
  if (failure !== undefined) throw new Error(failure)
  return true
}

export interface Stream {
  /** Pods that came back as they should, so far. */
  admitted(): number
  /** Stops after the creates in flight. */
  stop(): Promise<StreamResult>
}

export interface StreamResult {
  readonly admitted: number
  /** Answers that were wrong. */
  readonly failures: readonly string[]
  /** Creates that nobody decided; each was tried again. */
  readonly unanswered: readonly string[]
}

/** What a client waits before it tries again. */
const RETRY_MS = 50

/** Creates pods one after the other, without a pause, until it is stopped. */
export function streamAdmissions(admissions: Admissions): Stream {
  let admitted = 0
  const failures: string[] = []
  const unanswered: string[] = []
  const stopping = new AbortController()
  const createOne = async (): Promise<void> => {
    const failure = await admissions.create()
    if (failure === undefined) admitted += 1
    else failures.push(`${new Date().toISOString()} ${failure}`)
  }
  const done = (async () => {
    while (!stopping.signal.aborted)
      await createOne().catch(async (error: unknown) => {
        unanswered.push(`${new Date().toISOString()} ${String(error)}`)
        await delay(RETRY_MS)
      })
  })()
  return {
    admitted: () => admitted,
    stop: async () => {
      stopping.abort()
      await done
      return { admitted, failures, unanswered }
    },
  }
}

function pod(annotations: Annotations): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'orders-',
      annotations,
    },
    spec: {
      containers: [
        {
          name: 'orders',
          image: 'example.invalid/orders:1',
          securityContext: {
            allowPrivilegeEscalation: false,
            runAsNonRoot: true,
            capabilities: { drop: ['ALL'] },
            seccompProfile: { type: 'RuntimeDefault' },
          },
        },
      ],
    },
  }
}
