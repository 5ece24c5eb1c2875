import { Writable } from 'node:stream'
import type { V1Status } from '@kubernetes/client-node'
import { Exec, HttpMethod, KubeConfig, RequestContext, createConfiguration } from '@kubernetes/client-node'
import { KubeError, toKubeError } from './failure.ts'
import { missingRight } from './missing-right.ts'

/** A cluster as a person at a terminal has it: any path of its API, with the rights of that person. */
export interface Cluster {
  /** Where the person works when no other namespace is named. */
  readonly namespace: string
  /** @returns the body of a GET. @throws KubeError with the API server's own words. */
  getText(path: string): Promise<string>
  /** @throws KubeError with the API server's own words. */
  get(path: string): Promise<unknown>
  /** @throws KubeError with the API server's own words. */
  post(path: string, body: object): Promise<unknown>
  /** Runs a command in a container. @throws KubeError when it does not start. */
  exec(where: ExecTarget, command: readonly string[]): Promise<ExecResult>
}

export interface ExecTarget {
  readonly namespace: string
  readonly pod: string
  readonly container: string
}

export interface ExecResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** A dry-run waits for every webhook of the cluster, up to 30 s each. */
const CALL_MS = 60_000

/** @param context of the kubeconfig; undefined for its current one. @throws KubeError when there is no kubeconfig or no such context. */
export function openCluster(context?: string): Cluster {
  const config = new KubeConfig()
  try {
    config.loadFromDefault()
  } catch (error) {
    throw new KubeError('unavailable', `the kubeconfig cannot be read: ${firstLine(error)}; ${WHERE}`)
  }
  if (isMadeUp(config)) throw new KubeError('unavailable', `there is no kubeconfig; ${WHERE}`)
  if (context !== undefined) config.setCurrentContext(context)
  if (!config.getCurrentCluster())
    throw new KubeError(
      'unavailable',
      context === undefined
        ? `the kubeconfig names no cluster as its current one; name a context of it: --context ${contextsOf(config)}`
        : `the kubeconfig has no context ${context}; it has ${contextsOf(config)}`,
    )
  return clusterOf(config)
}

const WHERE = 'KUBECONFIG names its file, else it is ~/.kube/config'

/** What the client takes where nothing says anything: nobody's cluster is there. */
const isMadeUp = (config: KubeConfig): boolean => config.getCurrentCluster()?.server === 'http://localhost:8080'

const contextsOf = (config: KubeConfig): string =>
  config
    .getContexts()
    .map(({ name }) => name)
    .join(', ') || 'none'

/** A parser of YAML shows the lines around what it could not read. */
const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1).join('')

/** @returns the cluster that a configuration names. */
export function clusterOf(config: KubeConfig): Cluster {
  const getText = (path: string): Promise<string> => call(config, 'GET', path)
  return {
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    getText,
    get: async (path) => JSON.parse(await getText(path)) as unknown,
    post: async (path, body) => JSON.parse(await call(config, 'POST', path, body)) as unknown,
    exec: (where, command) => exec(config, where, command),
  }
}

async function call(config: KubeConfig, method: 'GET' | 'POST', path: string, body?: object): Promise<string> {
  const what = `${method.toLowerCase()} ${path}`
  const server = config.getCurrentCluster()?.server ?? ''
  const context = new RequestContext(`${server}${path}`, HttpMethod[method])
  context.setSignal(AbortSignal.timeout(CALL_MS))
  context.setHeaderParam('Accept', 'application/json, */*')
  if (body) {
    context.setHeaderParam('Content-Type', 'application/json')
    context.setBody(JSON.stringify(body))
  }
  const response = await config
    .applySecurityAuthentication(context)
    .then(() => createConfiguration().httpApi.send(context).toPromise())
    .catch((error: unknown) => {
      const { code, message } = toKubeError(what, error)
      throw new KubeError(code, `the API server ${server} cannot be reached: ${message}`)
    })
  const text = await response.body.text()
  if (response.httpStatusCode < 300) return text
  const { code } = toKubeError(what, { code: response.httpStatusCode })
  const answer = parsed(text)
  throw new KubeError(
    code,
    // The person who asks sees what the API server says to them, as with kubectl.
    messageOf(answer) ?? `${what}: the API server answered ${response.httpStatusCode}`,
    code === 'forbidden' ? missingRight({ method, path, answer }) : undefined,
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The `message` of a Status object. */
function messageOf(answer: unknown): string | undefined {
  const { message } = (answer ?? {}) as { message?: unknown }
  return typeof message === 'string' ? message : undefined
}

async function exec(
  config: KubeConfig,
  { namespace, pod, container }: ExecTarget,
  command: readonly string[],
): Promise<ExecResult> {
  const what = `exec in container ${container} of pod ${namespace}/${pod}`
  const stdout = collector()
  const stderr = collector()
  const status = await new Promise<number>((resolve, reject) => {
    const fail = (error: unknown): void => reject(execFailure(what, namespace, reasonOf(error)))
    new Exec(config)
      .exec(namespace, pod, container, [...command], stdout.stream, stderr.stream, null, false, (result) => {
        const ended = exitStatus(result)
        if (ended === undefined) fail(result)
        else resolve(ended)
      })
      .then((socket) => {
        socket.onclose = () => fail(new Error('the connection ended before the command did'))
      }, fail)
  })
  return { status, stdout: stdout.text(), stderr: stderr.text() }
}

/** A WebSocket that is refused has no body, and so no word of the API server's. Kubernetes 1.35 wants `create`, older ones `get`. */
function execFailure(what: string, namespace: string, reason: string): KubeError {
  return /\b403$/.test(reason)
    ? new KubeError('forbidden', `${what} is forbidden`, `get and create pods/exec in namespace ${namespace}`)
    : new KubeError('unavailable', `${what}: ${reason}`)
}

/** @returns undefined when the command did not run. */
function exitStatus({ status, details }: V1Status): number | undefined {
  if (status === 'Success') return 0
  const cause = details?.causes?.find(({ reason }) => reason === 'ExitCode')
  return cause?.message === undefined ? undefined : Number(cause.message)
}

/** What a WebSocket fails with is an event that has a message. */
function reasonOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown }
  return typeof message === 'string' && message !== '' ? message : 'failed'
}

function collector(): { readonly stream: Writable; readonly text: () => string } {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString() }
}
