/** One fault: what is broken, what must hold anyway, and a run that counts. */
export interface FaultRow {
  /** Stable, for a run of one row. */
  readonly id: string
  /** Environment variables without which it is left out. */
  readonly needs?: readonly string[]
  readonly fault: string
  readonly invariant: string
  /** @returns what was counted. @throws when the invariant does not hold. */
  readonly run: () => Promise<string>
}
