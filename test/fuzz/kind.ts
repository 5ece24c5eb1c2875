import type { Random } from './random.ts'

/** One door through which something untrusted comes in. A case is plain JSON, so that it can be kept as a fixture. */
export interface FuzzKind<Case = unknown> {
  readonly name: string
  /** What goes in, and through which door. */
  readonly subject: string
  /** What must hold of every case; each a sentence. */
  readonly invariants: readonly string[]
  /** Cases between two looks at what must hold of them all. */
  readonly batch: number
  /** Cases under way at once. */
  readonly atOnce: number
  /** Cases of the run in `npm test`, which takes seconds. */
  readonly quick: number
  /** Several such kinds may run at once without being in each other's way. */
  readonly isMostlyWaiting?: boolean
  generate(random: Random): Case
  /** Starts what is fuzzed; the caller closes it. */
  open(): Promise<FuzzTarget<Case>>
}

export interface FuzzTarget<Case = unknown> {
  /** @returns how the case ended, a word to count. @throws when an invariant breaks. */
  attempt(input: Case): Promise<string>
  /** Checks what must hold after all cases of a batch. @throws when it does not. */
  afterBatch(inputs: readonly Case[]): Promise<void>
  /** The process under attack, when it is one of its own: its memory must stay flat. */
  readonly pid?: number
  /** Checks what is looked at only at the end, and ends. @throws when that does not hold. */
  close(): Promise<void>
}
