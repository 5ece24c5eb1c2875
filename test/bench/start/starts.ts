import { setTimeout as delay } from 'node:timers/promises'
import type { Table } from '../report/result.ts'
import { median } from '../report/statistics.ts'
import { createGroup } from '../../support/control-group.ts'
import { residentOf, start } from './started.ts'
import type { Resident } from './started.ts'
import type { Subject } from './subjects.ts'

interface Sample {
  readonly acceptsAfter: number
  readonly cpu: number
}

/** What all rounds of one kind of start found. */
export interface Starts {
  /** Median of the rounds' ratios: how many times as long as that one this one takes. */
  ratio(one: Subject, other: Subject): number
  readonly table: Table
}

/** Starts each subject once a round, one after the other. */
export async function measureStarts(subjects: readonly Subject[], rounds: number, milliCpu?: number): Promise<Starts> {
  const samples = new Map<Subject, Sample[]>(subjects.map((subject) => [subject, []]))
  for (let round = 0; round < rounds; round++)
    for (const subject of subjects) samples.get(subject)?.push(await measureStart(subject, milliCpu))
  const of = (subject: Subject, field: keyof Sample): readonly number[] =>
    (samples.get(subject) ?? []).map((sample) => sample[field])
  return {
    ratio: (one, other) =>
      median(of(one, 'acceptsAfter').map((value, round) => value / (of(other, 'acceptsAfter')[round] ?? Number.NaN))),
    table: {
      title: milliCpu === undefined ? 'Start' : `Start with ${milliCpu}m CPU`,
      columns: ['', 'accepts after ms', 'CPU ms until then'],
      rows: subjects.map((subject) => [subject.name, median(of(subject, 'acceptsAfter')), median(of(subject, 'cpu'))]),
    },
  }
}

async function measureStart(subject: Subject, milliCpu: number | undefined): Promise<Sample> {
  const group = milliCpu === undefined ? undefined : createGroup({ milliCpu })
  try {
    const started = await start(subject, group && { group })
    await started.stop()
    return started
  } finally {
    await group?.remove()
  }
}

/** Idle after this long; the first is enough for a token, the second for the garbage collection of a process that does nothing. */
const IDLE_SECONDS = [3, 60] as const
const COPIES = 3

/** What each subject holds when nobody asks it for anything: medians of several processes that idle side by side. */
export async function measureIdle(
  subjects: readonly Subject[],
): Promise<{ readonly table: Table; readonly totals: ReadonlyMap<Subject, number> }> {
  const rows: Table['rows'][number][] = []
  const totals = new Map<Subject, number>()
  for (const subject of subjects) {
    const copies = []
    for (let copy = 0; copy < COPIES; copy++) copies.push(await start(subject))
    let waited = 0
    for (const seconds of IDLE_SECONDS) {
      await delay((seconds - waited) * 1_000)
      waited = seconds
      const resident = copies.map(({ pid }) => residentOf(pid))
      const of = (field: keyof Resident): number => median(resident.map((one) => one[field]))
      rows.push([subject.name, seconds, of('total'), of('own'), of('mapped')])
      totals.set(subject, of('total'))
    }
    for (const copy of copies) await copy.stop()
  }
  const columns = ['', 'idle for s', 'RSS MiB', 'its own', 'mapped files']
  return { table: { title: 'Idle memory', columns, rows, notes: ['The proxy holds a token by then.'] }, totals }
}
