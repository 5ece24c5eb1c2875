import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { parse } from 'yaml'
import { PROXY_CONTAINER } from '../../../proxy/src/contract.ts'

/** Creates annotated pods as the cluster's administrator, as dry runs: admission is real, nothing is stored. */
export interface Admissions {
  /** @returns undefined when the pod came back with our sidecar, else what the API server said. */
  create(): Promise<string | undefined>
  close(): void
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[]
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[]
}

/**
 * @param namespace where the pods are created. Needs a KUBECONFIG with a client certificate.
 * @param annotations beside those that ask for a token.
 */
export function createAdmissions(namespace: string, annotations: Readonly<Record<string, string>> = {}): Admissions {
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
  const body = JSON.stringify(pod(annotations))
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
          response.on('end', () => resolve(judge(response.statusCode ?? 0, Buffer.concat(chunks).toString())))
        })
        outgoing.on('error', reject)
        outgoing.end(body)
      }),
    close: () => agent.destroy(),
  }
}

function judge(status: number, body: string): string | undefined {
  const answer = JSON.parse(body) as { message?: string; spec?: { initContainers?: readonly { name: string }[] } }
  if (status !== 201) return answer.message ?? body
  const injected = answer.spec?.initContainers?.some(({ name }) => name === PROXY_CONTAINER)
  return injected ? undefined : 'admitted without the sidecar'
}

/** @returns true once pods are admitted. @throws with what the API server said. */
export async function admitted(admissions: Admissions): Promise<true> {
  const failure = await admissions.create()
  if (failure !== undefined) throw new Error(failure)
  return true
}

export interface Stream {
  /** Stops after the creates in flight. */
  stop(): Promise<{ readonly admitted: number; readonly failures: readonly string[] }>
}

/** Creates pods one after the other, without a pause, until it is stopped. */
export function streamAdmissions(admissions: Admissions): Stream {
  let admitted = 0
  const failures: string[] = []
  const stopping = new AbortController()
  const done = (async () => {
    while (!stopping.signal.aborted) {
      const failure = await admissions.create().catch(String)
      if (failure === undefined) admitted += 1
      else failures.push(`${new Date().toISOString()} ${failure}`)
    }
  })()
  return {
    stop: async () => {
      stopping.abort()
      await done
      return { admitted, failures }
    },
  }
}

function pod(annotations: Readonly<Record<string, string>>): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'orders-',
      annotations: {
        'outbound-jwt.io/inject': 'true',
        'outbound-jwt.io/hosts': 'api.partner.example',
        // With a role of its own, so that the guard of an installed chart lets it pass.
        'outbound-jwt.io/role-arn': 'arn:aws:iam::123456789012:role/orders',
        'outbound-jwt.io/region': 'eu-central-1',
        ...annotations,
      },
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
