import { TEST_TOKEN } from '../../support/proxy/tokens.ts'
import { statusOf } from '../answer.ts'
import type { FuzzKind, FuzzTarget } from '../kind.ts'
import { createRandom } from '../random.ts'
import { misbehave } from './client.ts'
import type { Outcome } from './client.ts'
import { createTunnelWorld } from './world.ts'
import type { TunnelWorld } from './world.ts'

/** A case is the seed of one client: what it does depends on what it hears. */
export const TUNNELS: FuzzKind<number> = {
  name: 'tunnels',
  subject:
    'CONNECT and upgrades by clients that garble, split, reset and leave at any time, at the data port of the proxy.',
  invariants: [
    'every client gets an HTTP answer or an end within the limits',
    'no connection is left on either side, no tunnel counted as open',
    'the token is in no blind tunnel, at no host without a rule, in no answer and no log',
  ],
  batch: 128,
  atOnce: 16,
  quick: 128,
  generate: (random) => random.below(2 ** 32),
  open: async (): Promise<FuzzTarget<number>> => {
    const world = await createTunnelWorld()
    return {
      attempt: async (seed) => outcomeOf(await misbehave(createRandom(seed), world.targets)),
      afterBatch: () => checkWorld(world),
      close: () => world.close(),
    }
  },
}

/** Whatever a client gets begins with a status line, unless it left too early to get it whole. */
function outcomeOf({ received, sent, brokenByClient }: Outcome): string {
  if (received.includes(TEST_TOKEN)) throw new Error('the client was shown the token')
  if (brokenByClient && !received.startsWith('HTTP/1.1 ')) return 'client left'
  try {
    return statusOf(received)
  } catch (error) {
    throw new Error(`sent ${JSON.stringify(sent.toString('latin1'))}`, { cause: error })
  }
}

async function checkWorld({ proxy, strayTokens, quiet }: TunnelWorld): Promise<void> {
  await quiet()
  const metrics = await proxy.metrics()
  for (const series of ['tunnels_open{mode="blind"} 0', 'tunnels_open{mode="upgrade"} 0', 'requests_in_flight 0'])
    if (!metrics.includes(`outbound_jwt_${series}`)) throw new Error(`not ${series}`)
  if (strayTokens.length > 0) throw new Error(`a token reached ${strayTokens.join(', ')}`)
  if (/internal_error|eyJ/.test(proxy.log())) throw new Error(proxy.log())
}
