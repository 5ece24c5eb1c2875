import { printable } from '@aws-outbound-jwt-injector/proxy/contract'
import { isObject, objectAt, objectsAt, textAt } from '../../injection/pod/json.ts'
import { INJECTED_LABEL } from '../../injection/status.ts'
import type { Cluster } from '../../kube/cluster.ts'
import { KubeError } from '../../kube/failure.ts'
import type { Given } from '../arguments.ts'
import { EXITS } from '../commands.ts'
import { jsonText } from '../json.ts'
import type { Outcome, World } from '../outcome.ts'
import { adviceOn } from '../rights.ts'
import { PROGRAM } from '../usage.ts'
import type { Row, Sidecar } from './sidecars.ts'
import { cut, renderRows, sidecarOf, workOf } from './sidecars.ts'

/** Asked at the same time; the API server has others to serve. */
const AT_ONCE = 32
/** Nobody is asked later than this, so that hundreds of pods that say nothing do not hold up what is known of the others. */
const ASKING_MS = 30_000
/** A pod may have 1.5 MiB, the most that etcd takes: as many of the largest fit into what an answer may have. */
const PAGE = 100
const SELECTOR = encodeURIComponent(`${INJECTED_LABEL}=true`)
const EVERY_MS = 5_000
/** Of the reason why a pod cannot be read: it may be the pod's own. */
const LONGEST_PROBLEM = 1_000

/** Instead of the work of a pod that was not asked; each has this very object, which no pod can forge. */
const NOT_ASKED = { problem: `not asked, because others took ${ASKING_MS / 1000} s`, missingRight: undefined }

/** Shows the injected pods of a namespace or of all. @throws KubeError when pods cannot be listed. */
export async function runStatus({ options, output }: Given, world: World): Promise<Outcome> {
  const cluster = await world.cluster(options.context)
  const namespace = options['all-namespaces'] === true ? undefined : (options.namespace ?? cluster.namespace)
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`
  const where = namespace === undefined ? 'any namespace' : `namespace ${namespace}; -A looks at every namespace`
  for (;;) {
    const rows = await rowsOf(cluster, scope, world)
    const outcome = render(rows, output, where)
    if (options.watch !== true) return outcome
    world.print(`${outcome.stdout}${outcome.stderr}\n`)
    if (!(await world.pause(EVERY_MS))) return { status: outcome.status, stdout: '', stderr: '' }
  }
}

/** @param where the pods were looked for. */
function render(rows: readonly Row[], output: string, where: string): Outcome {
  const unread = rows.flatMap(({ namespace, pod, work }) =>
    'problem' in work && work !== NOT_ASKED
      ? [`${printable(`${PROGRAM}: metrics of ${namespace}/${pod} cannot be read: ${work.problem}`)}\n`]
      : [],
  )
  const notAsked = rows.filter(({ work }) => work === NOT_ASKED).length
  if (notAsked > 0)
    unread.push(
      `${PROGRAM}: ${notAsked} of ${rows.length} pods were not asked, because others took ${ASKING_MS / 1000} s; find out why those above do not answer, or look at one namespace with -n\n`,
    )
  // All pods of a namespace lack the same right.
  const advice = new Set(rows.map(({ work }) => ('problem' in work ? adviceOn(work.missingRight) : '')))
  const text = rows.length === 0 ? `${printable(`no injected pod in ${where}`)}\n` : renderRows(rows)
  return {
    status: EXITS.fine.status,
    stdout: output === 'json' ? jsonText(rows) : text,
    stderr: output === 'json' ? '' : [...unread, ...advice].join(''),
  }
}

async function rowsOf(cluster: Cluster, scope: string, { nowMs }: World): Promise<readonly Row[]> {
  const sidecars = await listSidecars(cluster, scope)
  const rows = new Map<Sidecar, Row>()
  // Those that are ready first: they answer, and do not wait for those that say nothing.
  const waiting = sidecars.toSorted((one, other) => Number(other.ready) - Number(one.ready)).values()
  const end = nowMs() + ASKING_MS
  const work = async (): Promise<void> => {
    // All of them take from one iterator.
    for (const sidecar of waiting)
      rows.set(sidecar, nowMs() < end ? await rowOf(cluster, sidecar, nowMs() / 1000) : { ...sidecar, work: NOT_ASKED })
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return sidecars.flatMap((sidecar) => rows.get(sidecar) ?? [])
}

/** Page by page: a large cluster has tens of thousands of pods. */
async function listSidecars(cluster: Cluster, scope: string): Promise<readonly Sidecar[]> {
  const found: Sidecar[] = []
  let next = ''
  do {
    const from = next === '' ? '' : `&continue=${encodeURIComponent(next)}`
    const list = await cluster.get(`/api/v1${scope}/pods?labelSelector=${SELECTOR}&limit=${PAGE}${from}`)
    if (!isObject(list)) break
    found.push(...objectsAt(list, 'items').flatMap((pod) => sidecarOf(pod) ?? []))
    next = textAt(objectAt(list, 'metadata'), 'continue') ?? ''
  } while (next !== '')
  return found
}

async function rowOf(cluster: Cluster, sidecar: Sidecar, nowSeconds: number): Promise<Row> {
  const { namespace, pod, adminPort } = sidecar
  try {
    const text = await cluster.scrape(`/api/v1/namespaces/${namespace}/pods/${pod}:${adminPort}/proxy/metrics`)
    return { ...sidecar, work: workOf(text, nowSeconds) }
  } catch (error) {
    if (!(error instanceof KubeError)) throw error
    const { message, missingRight } = error
    // The beginning of a text keeps all of it in the memory, megabytes for each of many pods; a copy does not.
    return { ...sidecar, work: structuredClone({ problem: cut(message, LONGEST_PROBLEM), missingRight }) }
  }
}
