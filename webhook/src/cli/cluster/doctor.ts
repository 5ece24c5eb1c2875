import { PROXY_CONTAINER } from '@aws-outbound-jwt-injector/proxy/contract'
import type { Given } from '../arguments.ts'
import { EXITS } from '../commands.ts'
import type { Outcome, World } from '../outcome.ts'

const COMMAND = ['/nodejs/bin/node', '/app/doctor.mjs']
/** Exit statuses of doctor.mjs: passes or warns, a check fails; anything else did not examine. */
const STATUSES = [EXITS.fine.status, EXITS.found.status]

/** Runs the sidecar's doctor in a pod. @throws KubeError */
export async function runDoctor({ argument: pod, options, output }: Given, world: World): Promise<Outcome> {
  const cluster = await world.cluster(options.context)
  const namespace = options.namespace ?? cluster.namespace
  const where = { namespace, pod, container: options.container ?? PROXY_CONTAINER }
  const { status, ...printed } = await cluster.exec(where, output === 'json' ? [...COMMAND, '--json'] : COMMAND)
  return { ...printed, status: STATUSES[status] ?? EXITS.unavailable.status }
}
