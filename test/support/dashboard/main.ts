// Draws docs/images/dashboard.svg: three minutes of real processes, as a real Prometheus saw them. `npm run picture`
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { FLEET, SIDECARS } from '../generate/dashboard.ts'
import type { Panel } from '../generate/dashboard.ts'
import { startPrometheus } from '../prometheus.ts'
import type { Prometheus, Range } from '../prometheus.ts'
import { drawDashboard } from './picture.ts'
import type { NamedCurve, PanelData } from './picture.ts'
import { startWorld } from './world.ts'

const PICTURE = 'docs/images/dashboard.svg'
const SECONDS = 180
/** Before the picture begins: rates need a past, and a start is not what it is about. */
const WARM_UP_SECONDS = 30
const STEP_SECONDS = 3
/** In the place of Grafana's variable. */
const RATE_INTERVAL = '10s'

const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-picture-'))
const world = await startWorld(directory)
const prometheus = await startPrometheus(directory, world.targets)
const end = Date.now() / 1000 + WARM_UP_SECONDS + SECONDS
const acts: Promise<void>[] = []
for (let second = -WARM_UP_SECONDS; second < SECONDS; second++) {
  acts.push(world.act(second))
  await delay(Math.max(0, (end - SECONDS + second + 1) * 1000 - Date.now()))
}
await Promise.all(acts)
const range = { start: end - SECONDS, end, step: STEP_SECONDS }
const panels = await Promise.all([...FLEET, ...SIDECARS].map((panel) => measure(prometheus, panel, range)))
await prometheus.close()
await world.close()
rmSync(directory, { recursive: true })
const empty = panels.filter(({ curves }) => curves.length === 0).map(({ title }) => title)
if (empty.length > 0) throw new Error(`nothing to see in ${empty.join(', ')}`)
writeFileSync(PICTURE, drawDashboard(panels, SECONDS))
process.stdout.write(`${PICTURE}\n`)

/** Asks what the panel asks, about all pods. */
async function measure(asked: Prometheus, panel: Panel, over: Range): Promise<PanelData> {
  const { title, description, unit, stat = false, queries } = panel
  const answers = await Promise.all(
    queries.map(async ({ expr, legend }) => {
      const curves = await asked.range(expr('').replaceAll('$__rate_interval', RATE_INTERVAL), over)
      return curves.map(({ metric, values }): NamedCurve => ({
        name: legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ''),
        points: values.map(([at, value]) => [at - over.start, Number(value)] as const),
      }))
    }),
  )
  return { title, description, unit, stat, curves: answers.flat() }
}
