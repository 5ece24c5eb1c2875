import { TEST_TOKEN } from '../../support/proxy/tokens.ts'
import { until } from '../../support/until.ts'
import { statusOf } from '../answer.ts'
import type { FuzzKind, FuzzTarget } from '../kind.ts'
import { createRandom } from '../random.ts'
import { misbehave } from './client.ts'
import type { Outcome } from './client.ts'
import { createInterceptionWorld } from './world.ts'
import type { InterceptionWorld } from './world.ts'

/** On a machine that is busy with something else. */
const BUSY_MS = 60_000

/** A case is the seed of one client: what it does depends on what it hears. */
export const INTERCEPTION: FuzzKind<number> = {
  name: 'interception',
  subject:
    'ClientHellos, frames and header lists of HTTP/2, and requests of HTTP/1.1, garbled and cut into pieces, inside of intercepted tunnels.',
  invariants: [
    'every connection ends within the limits; what is answered is HTTP/1.1, HTTP/2 in whole frames, or an alert of TLS',
    'what reaches a partner has its name and exactly one token; no field and no request that nobody sent reaches it',
    'the token is in no answer and no log',
    'nothing stays in flight, and good requests by both protocols succeed afterwards',
  ],
  batch: 64,
  atOnce: 16,
  quick: 64,
  generate: (random) => random.below(2 ** 32),
  open: async (): Promise<FuzzTarget<number>> => {
    const world = await createInterceptionWorld()
    return {
      attempt: async (seed) => outcomeOf(world, await misbehave(createRandom(seed), world.targets)),
      afterBatch: () => checkWorld(world),
      close: () => world.close(),
    }
  },
}

function outcomeOf({ proxy }: InterceptionWorld, { manner, sent, received, brokenByClient }: Outcome): string {
  const text = received.toString('latin1')
  try {
    if (text.includes(TEST_TOKEN)) throw new Error('the client was shown the token')
    if (proxy.log().includes('internal_error')) throw new Error(`a defect of the proxy: ${proxy.log()}`)
    if (brokenByClient) return `${manner}: client left`
    return `${manner}: ${answerOf(received, text)}`
  } catch (error) {
    throw new Error(`${manner}, sent ${JSON.stringify(sent.toString('latin1').slice(0, 4_000))}`, { cause: error })
  }
}

/** Of a server of TLS to a client that never got to a key. RFC 8446 §5.1. */
const TLS_RECORDS = new Set([0x14, 0x15, 0x16, 0x17])

/** @returns the status, the end of HTTP/2 or the record of TLS that a connection ended with. @throws when it is none of them. */
function answerOf(received: Buffer, text: string): string {
  if (text === '' || text.startsWith('HTTP/1.1 ')) return statusOf(text)
  if (TLS_RECORDS.has(received[0]!) && received[1] === 3) return `TLS record ${received[0]!}`
  return http2End(received)
}

const SETTINGS = 4
const FRAME_TYPES = [
  'DATA',
  'HEADERS',
  'PRIORITY',
  'RST_STREAM',
  'SETTINGS',
  'PUSH_PROMISE',
  'PING',
  'GOAWAY',
  'WINDOW_UPDATE',
  'CONTINUATION',
]
const LARGEST_FRAME = 16_384

/** Reads frames to the end. RFC 9113 §4.1. @returns the last that says something about a request. @throws when they are none. */
function http2End(received: Buffer): string {
  const seen: string[] = []
  for (let at = 0; at + 9 <= received.length;) {
    const length = received.readUIntBE(at, 3)
    const type = received[at + 3]!
    const name = FRAME_TYPES[type]
    if (name === undefined || length > LARGEST_FRAME || (at === 0 && type !== SETTINGS))
      throw new Error(`an answer that is no HTTP: ${received.subarray(at, at + 100).toString('hex')}`)
    seen.push(name)
    at += 9 + length
  }
  return seen.findLast((name) => ['HEADERS', 'DATA', 'RST_STREAM', 'GOAWAY'].includes(name)) ?? 'no answer by HTTP/2'
}

async function checkWorld(world: InterceptionWorld): Promise<void> {
  await world.check()
  const { proxy } = world
  if (proxy.log().includes(TEST_TOKEN)) throw new Error('the token was logged')
  await until('nothing is in flight', async () => (await proxy.metrics()).includes('requests_in_flight 0\n'), BUSY_MS)
}
