import type { FuzzKind, FuzzTarget } from './kind.ts'
import { createMemoryWatch } from './memory.ts'
import { createRandom } from './random.ts'

/** What a run of one kind counted. */
export interface Tally {
  readonly kind: FuzzKind
  readonly seed: number
  cases: number
  /** Number of cases by how they ended, most frequent first. */
  outcomes: Readonly<Record<string, number>>
  /** Resident memory of the process under attack; absent when it shares ours. */
  memory?: string
}

/** A broken invariant, and the cases that broke it. */
export class Finding extends Error {
  override readonly name = 'Finding'
  readonly kind: FuzzKind
  /** Of the batch: one case, unless only all of them together are known to have broken it. */
  readonly inputs: readonly unknown[]

  constructor(kind: FuzzKind, inputs: readonly unknown[], cause: unknown) {
    super(`${kind.name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.kind = kind
    this.inputs = inputs
  }
}

export interface RunOptions {
  readonly seed: number
  /** No new batch starts after this. */
  readonly milliseconds?: number
  /** At most so many cases. */
  readonly cases?: number
}

/** Runs batches of one kind against one target. @throws Finding at the first broken invariant. */
export async function runKind(kind: FuzzKind, options: RunOptions): Promise<Tally> {
  const { seed, milliseconds = Number.POSITIVE_INFINITY, cases = Number.POSITIVE_INFINITY } = options
  const random = createRandom(seed)
  const end = performance.now() + milliseconds
  const counts = new Map<string, number>()
  const tally: Tally = { kind, seed, cases: 0, outcomes: {} }
  await withTarget(kind, async (target) => {
    const memory = target.pid === undefined ? undefined : createMemoryWatch(target.pid)
    while (tally.cases < cases && performance.now() < end) {
      const inputs = Array.from({ length: Math.min(kind.batch, cases - tally.cases) }, () => kind.generate(random))
      for (const outcome of await runBatch(kind, target, inputs)) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
      tally.cases += inputs.length
      memory?.sample()
    }
    if (memory) tally.memory = memory.conclude()
  })
  tally.outcomes = Object.fromEntries([...counts].sort(([, a], [, b]) => b - a))
  return tally
}

/** Runs the cases of a fixture again. @throws Finding when they still break something. */
export async function replay(kind: FuzzKind, inputs: readonly unknown[]): Promise<void> {
  await withTarget(kind, async (target) => {
    await runBatch(kind, target, inputs)
  })
}

async function withTarget(kind: FuzzKind, use: (target: FuzzTarget) => Promise<void>): Promise<void> {
  const target = await kind.open()
  let failed = true
  try {
    await use(target)
    failed = false
  } catch (error) {
    throw asFinding(kind, [], error)
  } finally {
    // What closing finds out matters only when nothing was found before.
    const closing = target.close()
    await (failed ? closing.catch(() => undefined) : closing.catch(rethrow(kind, [])))
  }
}

async function runBatch(kind: FuzzKind, target: FuzzTarget, inputs: readonly unknown[]): Promise<readonly string[]> {
  const outcomes: string[] = []
  const waiting = inputs.values()
  const worker = async (): Promise<void> => {
    for (const input of waiting) outcomes.push(await target.attempt(input).catch(rethrow(kind, [input])))
  }
  await Promise.all(Array.from({ length: kind.atOnce }, worker))
  await target.afterBatch(inputs).catch(rethrow(kind, inputs))
  return outcomes
}

const rethrow =
  (kind: FuzzKind, inputs: readonly unknown[]) =>
  (error: unknown): never => {
    throw asFinding(kind, inputs, error)
  }

function asFinding(kind: FuzzKind, inputs: readonly unknown[], error: unknown): Finding {
  return error instanceof Finding ? error : new Finding(kind, inputs, error)
}
