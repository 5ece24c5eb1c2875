import { VARIABLES } from '@aws-outbound-jwt-injector/proxy/contract'
import type { Steering } from '../annotations/steering.ts'
import type { SidecarParts } from './credentials.ts'

/** What the sidecar needs to listen for its partners. */
export function planSteeredPorts({ ports }: Steering): SidecarParts {
  return { env: [{ name: VARIABLES.steeredPorts, value: ports.join(',') }], volumes: [], mounts: [] }
}
