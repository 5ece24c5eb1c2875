import { PROXY_CONTAINER, printable, printableLines } from '@aws-outbound-jwt-injector/proxy/contract'
import { isObject, objectAt, objectsAt } from '../../injection/pod/json.ts'
import type { Cluster, ExecTarget } from '../../kube/cluster.ts'
import { KubeError } from '../../kube/failure.ts'
import type { Given } from '../arguments.ts'
import { EXITS } from '../commands.ts'
import type { Outcome, World } from '../outcome.ts'

const COMMAND = ['/nodejs/bin/node', '/app/doctor.mjs']
/** Exit statuses of doctor.mjs: passes or warns, a check fails; anything else did not examine. */
const STATUSES = [EXITS.fine.status, EXITS.found.status]

/** Runs the sidecar's doctor in a pod. @throws KubeError */
export async function runDoctor({ argument, options, output }: Given, world: World): Promise<Outcome> {
  const cluster = await world.cluster(options.context)
  // As `kubectl get -o name` prints it.
  const pod = argument.replace(/^pods?\//, '')
  const namespace = options.namespace ?? cluster.namespace
  const where = { namespace, pod, container: options.container ?? PROXY_CONTAINER }
  await expectContainer(cluster, where)
  const { status, stdout, stderr } = await cluster.exec(where, output === 'json' ? [...COMMAND, '--json'] : COMMAND)
  return {
    status: STATUSES[status] ?? EXITS.unavailable.status,
    // SECURITY: whatever runs under the name of the sidecar.
    stdout: printableLines(stdout),
    stderr: printableLines(stderr),
  }
}

/** A command that cannot start is told as a status of HTTP; this says why. Who may not read pods may still run commands in them. */
async function expectContainer(cluster: Cluster, { namespace, pod, container }: ExecTarget): Promise<void> {
  const object = await cluster.get(`/api/v1/namespaces/${namespace}/pods/${pod}`).catch((error: unknown) => {
    if (error instanceof KubeError && error.code === 'forbidden') return undefined
    if (error instanceof KubeError && error.code === 'not-found')
      throw new KubeError(
        'not-found',
        printable(`namespace ${namespace} has no pod ${pod}; -n names another namespace`),
      )
    throw error
  })
  if (!isObject(object)) return
  const spec = objectAt(object, 'spec')
  const names = ['containers', 'initContainers'].flatMap((list) => objectsAt(spec, list).map(({ name }) => name))
  if (!names.includes(container))
    throw new KubeError(
      'not-found',
      printable(`pod ${namespace}/${pod} has no container ${container}; it has ${names.join(', ')}`),
    )
}
