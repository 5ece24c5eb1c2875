import type { Partner, World } from './world.ts'

/** A program under load, or the partner itself. */
export interface Target {
  /** Undefined for what is not measured itself. */
  readonly pid?: number
  readonly port: number
  /** Whether the client has to speak TLS. */
  readonly tls?: boolean
  /** What stands before the path in the request line: an origin for a forward proxy, nothing for the others. */
  readonly origin: string
  readonly host: string
  /** Header lines beside Host. */
  readonly headers?: Readonly<Record<string, string>>
  stop(): Promise<void>
}

export interface TargetRow {
  readonly name: string
  /** Why it cannot run here; undefined when it can. */
  readonly missing?: () => string | undefined
  readonly start: (world: World, partner: Partner) => Promise<Target>
}

/** As long as a real token. */
export const BEARER = `Bearer ${'x'.repeat(1100)}`
