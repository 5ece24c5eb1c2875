import type { EmulatorState } from './account/state.ts'
import type { Cluster } from './clusters/cluster.ts'
import type { Role } from './iam/role.ts'
import type { PodIdentityAssociation } from './pod-identity/associations.ts'

export interface EmulatorOptions {
  /** `aws-global` plays the global endpoint, which mints no tokens. */
  readonly region: string
  /** Twelve digits. */
  readonly accountId: string
  readonly roles: readonly Role[]
  /** Beside the emulator's own fake cluster. */
  readonly clusters?: readonly Cluster[]
  readonly podIdentityAssociations?: readonly PodIdentityAssociation[]
  /** Of AWS Organizations, when the account is a member. */
  readonly organization?: Organization
  /** How it starts, and what `reset` returns to. */
  readonly state?: Partial<EmulatorState>
  readonly host?: string
  readonly port?: number
  /** Where clients reach the emulator, and the base of its issuers. Never taken from a request. Default: where it listens. */
  readonly baseUrl?: string
  /** Wall clock in milliseconds. */
  readonly now?: () => number
}

export interface Organization {
  readonly id: string
  /** From the root down to the account's own unit. */
  readonly path: readonly string[]
}
