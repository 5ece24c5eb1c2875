import { execFile } from 'node:child_process'

/** kubectl against the cluster of KUBECONFIG. */
export interface Kubectl {
  /** @returns standard output. @throws with standard error. */
  (...args: readonly string[]): Promise<string>
}

/** Longer than any wait the tests ask kubectl for. */
const LIMIT_MS = 180_000
/** Of a diagnosis; the first words of a log line say what it is. */
const LONGEST_LINE = 200

export const kubectl: Kubectl = (...args) => run(args)

/** Applies manifests given as text or objects, server-side. */
export async function apply(namespace: string, manifest: string | object): Promise<void> {
  const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest)
  await run(['apply', '--server-side', '--field-manager=e2e', '-n', namespace, '-f', '-'], text)
}

/** The same, as a user sees it. @returns the warnings. */
export async function applyWithWarnings(namespace: string, manifest: object): Promise<string> {
  const args = ['apply', '--server-side', '--field-manager=e2e', '-n', namespace, '-f', '-']
  return (await execute(args, JSON.stringify(manifest))).stderr
}

/** Creates one object. @returns it as JSON, as it was stored or, with `--dry-run=server`, would be. */
export function create(namespace: string, manifest: object, ...options: readonly string[]): Promise<string> {
  return run(['create', '-n', namespace, '-o', 'json', ...options, '-f', '-'], JSON.stringify(manifest))
}

/** PUTs JSON to a path of the API server. */
export async function replaceRaw(path: string, body: unknown): Promise<void> {
  await run(['replace', '--raw', path, '-f', '-'], JSON.stringify(body))
}

export async function deleteRaw(path: string): Promise<void> {
  await run(['delete', '--raw', path])
}

/** Makes a namespace that enforces the restricted Pod Security Standard. */
export async function createNamespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
  await apply(name, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted', ...labels } },
  })
}

/** Deletes namespaces and waits until they are gone. */
export async function deleteNamespaces(...names: readonly string[]): Promise<void> {
  await run(['delete', 'namespace', ...names, '--ignore-not-found', '--timeout=120s'])
}

/** Waits until a Deployment is available; on a timeout the error has the events and logs of its pods. */
export async function rolledOut(namespace: string, deployment: string): Promise<void> {
  try {
    await run(['rollout', 'status', `deployment/${deployment}`, '-n', namespace, '--timeout=90s'])
  } catch (error) {
    throw new Error(`${namespace}/${deployment} is not available: ${String(error)}\n${await diagnosis(namespace)}`, {
      cause: error,
    })
  }
}

/** Waits until a Job is complete; on a timeout the error has the events and logs of its pods. */
export async function completed(namespace: string, job: string): Promise<void> {
  try {
    await run(['wait', '-n', namespace, `job/${job}`, '--for=condition=Complete', '--timeout=90s'])
  } catch (error) {
    throw new Error(`${namespace}/${job} is not complete: ${String(error)}\n${await diagnosis(namespace)}`, {
      cause: error,
    })
  }
}

/** Events and last log lines of a namespace, for a failure message. */
export async function diagnosis(namespace: string): Promise<string> {
  const events = await run(['get', 'events', '-n', namespace, '--sort-by=.lastTimestamp']).catch(String)
  const pods = await run(['get', 'pods', '-n', namespace, '-o', 'wide']).catch(String)
  const names = (await run(['get', 'pods', '-n', namespace, '-o', 'name']).catch(() => '')).split('\n').filter(Boolean)
  const logs = await Promise.all(
    names.map((name) =>
      run(['logs', '-n', namespace, name, '--all-containers', '--prefix', '--tail=10']).catch(String),
    ),
  )
  const lines = [events, pods, ...logs].join('\n').split('\n')
  return lines.map((line) => line.slice(0, LONGEST_LINE)).join('\n')
}

async function run(args: readonly string[], input?: string): Promise<string> {
  return (await execute(args, input)).stdout
}

function execute(args: readonly string[], input = ''): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'kubectl',
      [...args],
      { timeout: LIMIT_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`kubectl ${args.slice(0, 4).join(' ')}: ${stderr.trim()}`, { cause: error }))
        else resolve({ stdout, stderr })
      },
    )
    child.stdin?.end(input)
  })
}
