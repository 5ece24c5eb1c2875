import { describe, it } from 'mocha'
import { createRandom } from './random.ts'
import { runBatch } from './run.ts'
import { createFuzzWorld } from './world.ts'

describe('raw requests', () => {
  it('never crash or hang the proxy, reach past it, or carry a token elsewhere', async () => {
    const world = await createFuzzWorld()
    const random = createRandom(4)
    try {
      for (let batch = 0; batch < 2; batch++) await runBatch(world, random)
    } finally {
      await world.close()
    }
  }).timeout(30_000)
})
