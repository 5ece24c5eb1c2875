import type { Table } from '../report/result.ts'
import { busiestHour, histogram, simulateFleet } from '../../support/tokens/fleet.ts'
import type { FleetOptions } from '../../support/tokens/fleet.ts'

const SPAN_SECONDS = 10
/** A Deployment restarted as a whole, or a cluster that comes back: what everybody does in the first span is the start itself. */
const SCENARIOS: Readonly<Record<string, FleetOptions>> = {
  'all start at the same moment; 24 h': { pods: 1_000, hours: 24 },
  'the same, STS down for 6 minutes after 2 h; 3 h': {
    pods: 1_000,
    hours: 3,
    outage: { fromSeconds: 7_200, toSeconds: 7_560 },
  },
}

export interface FleetLoad {
  readonly table: Table
  /** Of any pod, in the scenario without an outage. */
  readonly busiestHour: number
}

/** The token engine of 1,000 pods on fake clocks: what STS sees of them. A request that had to wait ends the run. */
export async function fleetLoad(): Promise<FleetLoad> {
  const rows = []
  const busiest: number[] = []
  for (const [scenario, options] of Object.entries(SCENARIOS)) {
    const { pods, hours } = options
    const fleet = await simulateFleet(options)
    const [start = 0, ...later] = histogram(fleet, SPAN_SECONDS)
    const calls = fleet.flat().length
    busiest.push(Math.max(...fleet.map(busiestHour)))
    rows.push([scenario, calls, calls / pods / hours, busiest.at(-1), start, Math.max(...later), calls / hours / 3600])
  }
  return {
    busiestHour: busiest[0]!,
    table: {
      title: 'STS load of 1,000 pods with one audience each',
      columns: [
        'scenario',
        'calls',
        'per pod and hour',
        'busiest hour of a pod',
        `first ${SPAN_SECONDS} s`,
        `busiest ${SPAN_SECONDS} s after it`,
        'per second, mean',
      ],
      rows,
      notes: ['Each pod used its token every two minutes, and no request ever waited for one.'],
    },
  }
}
