import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { readFixtures } from './fixtures.ts'
import type { FuzzKind } from './kind.ts'
import { KINDS } from './kinds.ts'
import { replay, runKind } from './run.ts'
import type { Tally } from './run.ts'

/** Bounds what hangs; each run takes seconds, some of them until a token is over. */
const LONGEST_RUN_MS = 180_000

describe('fuzzed', () => {
  const run = (kind: FuzzKind): Promise<Tally> => runKind(kind, { seed: 4, cases: kind.quick })
  const waiting = KINDS.filter(({ isMostlyWaiting }) => isMostlyWaiting)
  const runs = new Map<FuzzKind, Promise<Tally>>()

  before(() => {
    for (const kind of waiting) {
      const running = run(kind)
      // The test of the kind tells.
      running.catch(() => undefined)
      runs.set(kind, running)
    }
  })

  for (const kind of [...waiting, ...KINDS.filter(({ isMostlyWaiting }) => !isMostlyWaiting)]) {
    it(`${kind.name} break no invariant`, async () => {
      const { cases, outcomes } = await (runs.get(kind) ?? run(kind))
      expect(cases).to.equal(kind.quick)
      // Cases that reach nothing would break nothing.
      expect(Object.keys(outcomes).filter((outcome) => !outcome.endsWith('not asked'))).not.to.be.empty
    }).timeout(LONGEST_RUN_MS)
  }
})

describe('what broke an invariant once', () => {
  for (const { file, kind: name, broke, inputs } of readFixtures()) {
    it(`holds: ${file}, ${broke}`, async () => {
      const kind = KINDS.find((candidate) => candidate.name === name)
      if (!kind) throw new Error(`${file} is of no kind there is: ${name}`)
      await replay(kind, inputs)
    }).timeout(LONGEST_RUN_MS)
  }
})
