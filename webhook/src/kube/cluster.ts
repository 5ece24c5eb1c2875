import { Writable } from 'node:stream'
import type { V1Status } from '@kubernetes/client-node'
import { Exec, HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node'
import { printable } from '@aws-outbound-jwt-injector/proxy/contract'
import { readText } from '@aws-outbound-jwt-injector/proxy/runtime'
import { KubeError, toKubeError } from './failure.ts'
import { missingRight } from './missing-right.ts'
import { send } from './request.ts'

/** A cluster as a person at a terminal has it: any path of its API, with the rights of that person. */
export interface Cluster {
  /** Where the person works when no other namespace is named. */
  readonly namespace: string
  /** @returns what a pod answers behind the API server, or the API server for it. @throws KubeError with the words of either. */
  scrape(path: string): Promise<string>
  /** @throws KubeError with the API server's own words. */
  get(path: string): Promise<unknown>
  /** @throws KubeError with the API server's own words. */
  post(path: string, body: object): Promise<unknown>
  /** Runs a command in a container. @throws KubeError when it does not start, does not end, or prints without an end. */
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

/** What an answer may cost, its body and all. */
interface Limit {
  readonly ms: number
  readonly bytes: number
}

const MIB = 2 ** 20
/** SECURITY: who may create pods has them answer a scrape with what they like, and runs what they like under the name of the sidecar. */
export const LIMITS: Readonly<Record<'call' | 'scrape' | 'exec', Limit>> = {
  // A dry-run waits for every webhook of the cluster, up to 30 s each; 100 pods are a page, and the largest have 1.5 MiB each.
  call: { ms: 60_000, bytes: 256 * MIB },
  // A busy sidecar of 50 routes has 5 MiB.
  scrape: { ms: 10_000, bytes: 8 * MIB },
  // The doctor of a sidecar takes 45 s at most.
  exec: { ms: 60_000, bytes: MIB },
}

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
        : `the kubeconfig has no context ${printable(context)}; it has ${contextsOf(config)}`,
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
export function clusterOf(config: KubeConfig, limits = LIMITS): Cluster {
  const askJson = async (call: Call): Promise<unknown> => {
    const answer = parsed(await ask(config, call, limits.call))
    if (answer !== undefined) return answer
    throw new KubeError('unavailable', `${nameOf(call)}: got an answer that is no JSON, expected an object of the API`)
  }
  return {
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    scrape: (path) => ask(config, { method: 'GET', path }, limits.scrape),
    get: (path) => askJson({ method: 'GET', path }),
    post: (path, body) => askJson({ method: 'POST', path, body }),
    exec: (where, command) => exec(config, where, command, limits.exec),
  }
}

interface Call {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: object
}

const nameOf = ({ method, path }: Call): string => printable(`${method.toLowerCase()} ${path}`)

async function ask(config: KubeConfig, call: Call, { ms, bytes }: Limit): Promise<string> {
  const { method, path, body } = call
  const what = nameOf(call)
  const server = config.getCurrentCluster()?.server ?? ''
  const context = new RequestContext(`${server}${path}`, HttpMethod[method])
  context.setSignal(AbortSignal.timeout(ms))
  context.setHeaderParam('Accept', 'application/json, */*')
  if (body) {
    context.setHeaderParam('Content-Type', 'application/json')
    context.setBody(JSON.stringify(body))
  }
  const failed = (during: string, error: unknown): never => {
    if (error instanceof Error && error.name === 'TimeoutError')
      throw new KubeError('unavailable', `${what}: no answer within ${ms / 1000} s`)
    throw toKubeError(during, error)
  }
  const response = await config
    .applySecurityAuthentication(context)
    .then(() => send(context))
    .catch((error: unknown) => failed(`the API server ${server} cannot be reached: ${what}`, error))
  const { status, body: stream } = response
  const text =
    stream === null
      ? ''
      : await readText(stream, bytes).catch((error: unknown) => failed(`${what}: the answer ends early`, error))
  if (text === undefined) throw new KubeError('unavailable', `${what}: the answer is longer than ${bytes} bytes`)
  if (status < 300) return text
  const { code } = toKubeError(what, { code: status })
  const answer = parsed(text)
  throw new KubeError(
    code,
    // The person who asks sees what the API server says to them, as with kubectl.
    messageOf(answer) ?? `${what}: the API server answered ${status}`,
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
  { ms, bytes }: Limit,
): Promise<ExecResult> {
  const what = printable(`exec in container ${container} of pod ${namespace}/${pod}`)
  const { promise: ended, resolve, reject } = Promise.withResolvers<number>()
  const fail = (reason: string): void => reject(execFailure(what, namespace, reason))
  const room = { bytes }
  const fits = ({ length }: Buffer): boolean => {
    room.bytes -= length
    if (room.bytes < 0) fail(`the command printed more than ${bytes} bytes`)
    return room.bytes >= 0
  }
  const stdout = collector(fits)
  const stderr = collector(fits)
  const timer = setTimeout(() => fail(`the command did not end within ${ms / 1000} s`), ms)
  const opened = new Exec(config).exec(
    namespace,
    pod,
    container,
    [...command],
    stdout.stream,
    stderr.stream,
    null,
    false,
    (result) => {
      const status = exitStatus(result)
      if (status === undefined) fail(reasonOf(result))
      else resolve(status)
    },
  )
  opened.then(
    (socket) => {
      socket.onclose = () => fail('the connection ended before the command did')
    },
    (error: unknown) => fail(reasonOf(error)),
  )
  try {
    return { status: await ended, stdout: stdout.text(), stderr: stderr.text() }
  } catch (error) {
    // Nobody reads it to its end.
    opened.then(
      (socket) => socket.terminate(),
      () => undefined,
    )
    throw error
  } finally {
    clearTimeout(timer)
  }
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

/** @param fits says whether a chunk is kept. */
function collector(fits: (chunk: Buffer) => boolean): { readonly stream: Writable; readonly text: () => string } {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (fits(chunk)) chunks.push(Buffer.from(chunk))
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString() }
}
