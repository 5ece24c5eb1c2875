// `npm run fuzz [-- --seconds 60 --seed N]`: raw request heads and bodies against the data port, until the time is up.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { createRandom } from './random.ts'
import { runBatch } from './run.ts'
import { createFuzzWorld } from './world.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } } })
const seed = Number(values.seed ?? randomInt(2 ** 32))
const end = performance.now() + Number(values.seconds) * 1000
const print = (line: string): void => void process.stdout.write(`${line}\n`)

print(`seed ${seed}`)
const random = createRandom(seed)
const world = await createFuzzWorld()
let connections = 0
try {
  while (performance.now() < end) connections += await runBatch(world, random)
  print(`${connections} connections, nothing broke`)
} catch (error) {
  print(`after ${connections} connections: ${error instanceof Error ? error.message : String(error)}`)
  print(`repeat with: npm run fuzz -- --seed ${seed}`)
  process.exitCode = 1
} finally {
  await world.close()
}
