import { between, boolean, checkObject, checked, oneOf } from '../admin/fields.ts'
import type { Federation } from './federation.ts'
import { createFederation } from './federation.ts'
import type { DiscoveryProfile } from './issuer.ts'

/** What tests switch while the emulator runs. */
export interface EmulatorState {
  readonly federationEnabled: boolean
  /** How long a change of federation takes to reach STS. */
  readonly propagationSeconds: number
  /** How far the emulator's clock is ahead. */
  readonly clockOffsetSeconds: number
  readonly discoveryProfile: DiscoveryProfile
  /** Length of a role session whose request asks for none. */
  readonly sessionSeconds: number
}

export interface State {
  get(): EmulatorState
  /** Changes the fields that are given. @throws TypeError that names what is wrong with them. */
  set(change: unknown): void
  reset(): void
  readonly federation: Federation
  /** The emulator's wall clock in milliseconds. */
  now(): number
}

const FIELDS = {
  federationEnabled: boolean,
  propagationSeconds: between(0, 3600),
  clockOffsetSeconds: between(-86_400, 86_400),
  discoveryProfile: oneOf(2025, 2026),
  sessionSeconds: between(1, 43_200),
}

/** @param wallClock milliseconds. */
export function createState(initial: EmulatorState, wallClock: () => number): State {
  let state = initial
  // Not the emulator's own clock: a change of its offset must not end a propagation.
  const federation = createFederation(wallClock, () => state.propagationSeconds)
  federation.settle(initial.federationEnabled)
  return {
    get: () => ({ ...state, federationEnabled: federation.enabled() }),
    set: (change) => {
      const fields = checked(change, (value, report) => checkObject(value, { optional: FIELDS }, 'state', report))
      state = { ...state, ...(fields as Partial<EmulatorState>) }
      federation.set(state.federationEnabled)
    },
    reset: () => {
      state = initial
      federation.settle(initial.federationEnabled)
    },
    federation,
    now: () => wallClock() + state.clockOffsetSeconds * 1000,
  }
}
