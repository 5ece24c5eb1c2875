import type { Cluster } from '../clusters/cluster.ts'
import type { Roles } from '../iam/role.ts'
import type { Organization } from '../options.ts'
import type { Sessions } from '../sts/sessions.ts'
import type { Arns } from './arns.ts'
import type { OutboundIssuer } from './issuer.ts'
import type { State } from './state.ts'

/** The emulated account: what every operation needs to know. */
export interface Account {
  readonly accountId: string
  readonly region: string
  readonly arns: Arns
  readonly roles: Roles
  readonly clusters: readonly Cluster[]
  readonly sessions: Sessions
  readonly issuer: OutboundIssuer
  readonly organization: Organization | undefined
  readonly state: State
}
