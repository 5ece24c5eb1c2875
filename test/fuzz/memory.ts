import { readFileSync } from 'node:fs'
import { mean, slope } from '../soak/flat.ts'
import type { Sample } from '../soak/flat.ts'

/** Watches the memory of a process while it is attacked. */
export interface MemoryWatch {
  sample(): void
  /** @returns what was seen, in words. @throws when memory grew as a leak does. */
  conclude(): string
}

/** Buffers, pools and compiled code fill up first. */
const WARM_UP = 0.3
/** Growth over the measured time that noise explains. */
const MAY_GROW = 0.1
/** A slope through less than this says nothing. */
const LEAST_MINUTES = 5
const MB = 1024 * 1024

export function createMemoryWatch(pid: number): MemoryWatch {
  const started = performance.now()
  const samples: Sample[] = []
  return {
    sample: () => {
      samples.push({ minutes: (performance.now() - started) / 60_000, value: residentBytes(pid) })
    },
    conclude: () => {
      const last = samples.at(-1)?.minutes ?? 0
      const measured = samples.filter(({ minutes }) => minutes > last * WARM_UP)
      const average = mean(measured.map(({ value }) => value))
      const growth = slope(measured) * last * (1 - WARM_UP)
      const said = `${(average / MB).toFixed(0)} MB, ${growth < 0 ? '' : '+'}${(growth / MB).toFixed(1)} MB in ${(last * (1 - WARM_UP)).toFixed(1)} minutes`
      if (last >= LEAST_MINUTES && growth > average * MAY_GROW) throw new Error(`memory grows: ${said}`)
      return said
    },
  }
}

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) * 1024
}
