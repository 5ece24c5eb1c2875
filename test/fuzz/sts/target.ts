import { setTimeout as delay } from 'node:timers/promises'
import type { FuzzKind, FuzzTarget } from '../kind.ts'
import type { StsAnswer } from './answers.ts'
import { createStsAnswers, isSound } from './answers.ts'
import { callPartner, checkSecrets, checkWorld } from './application.ts'
import { createStsWorld } from './world.ts'
import type { StsWorld } from './world.ts'

/** A proxy admits 120 new hosts of wildcards within a minute; some of them after they were sent here, and some for checks. */
const HOSTS_PER_MINUTE = 100
/** So many, so that cases do not wait for a minute to end. */
const PROXIES = 6
const MINUTE_MS = 60_000
const POLL_MS = 100
/** Reading all of the output costs. */
const BATCHES_PER_LOOK = 4

export const STS: FuzzKind<readonly StsAnswer[]> = {
  name: 'sts',
  subject:
    'What STS answers to GetWebIdentityToken: status lines, headers, XML, JSON, odd tokens, garbled bytes, at every pace, to the shipped proxy.',
  invariants: [
    'every request ends with 200, or with the 502, 503 or 504 of a token that is not to be had, within the limits',
    'whatever reaches the partner carries one token, of the role and for the audience of that host alone, not over, of the algorithm asked for, and small enough to be sent; no header was added',
    'a token that its issuer did not sign arrives only where the answer itself held it: STS is trusted for its signature, and the partner verifies it',
    'no token, secret key or session token is in the output or in an answer to the application',
    'when STS is well again requests succeed at once; it is not asked in a loop; the process lives, its memory stays flat',
  ],
  batch: 256,
  atOnce: 48,
  quick: 40,
  isMostlyWaiting: true,
  generate: createStsAnswers,
  open: openProxy,
}

/** The first takes what it may, and its memory is watched; others are started when that is not enough. */
async function openProxy(): Promise<FuzzTarget<readonly StsAnswer[]>> {
  const first = await openPaced()
  const proxies = [Promise.resolve(first)]
  let batches = 0
  /** @returns a proxy that admits one more host. */
  const next = async (): Promise<StsWorld> => {
    for (;;) {
      for (const each of proxies) {
        const { admits, world } = await each
        if (admits()) return world
      }
      if (proxies.length < PROXIES) proxies.push(openPaced())
      else await delay(POLL_MS)
    }
  }
  const checkOutput = ({ world }: Paced): void => checkSecrets('the output', world.process.output())
  return {
    pid: first.world.process.pid,
    attempt: async (answers) => attempt(await next(), answers),
    afterBatch: async () => {
      const all = await Promise.all(proxies)
      await Promise.all(all.map(({ world }) => checkWorld(world)))
      batches += 1
      if (batches % BATCHES_PER_LOOK === 0) all.forEach(checkOutput)
    },
    close: async () => {
      const all = await Promise.all(proxies)
      await Promise.all(all.map(({ world }) => world.close()))
      all.forEach(checkOutput)
    },
  }
}

interface Paced {
  readonly world: StsWorld
  /** Whether one more host may be sent now, which counts from then on. */
  admits(): boolean
}

async function openPaced(): Promise<Paced> {
  const world = await createStsWorld('web identity')
  /** When hosts were admitted, oldest first. */
  const admitted: number[] = []
  return {
    world,
    admits: () => {
      while (admitted.length > 0 && Number(admitted[0]) < performance.now() - MINUTE_MS) admitted.shift()
      if (admitted.length >= HOSTS_PER_MINUTE) return false
      admitted.push(performance.now())
      return true
    },
  }
}

async function attempt(world: StsWorld, answers: readonly StsAnswer[]): Promise<string> {
  const host = world.hostFor(answers)
  const outcome = await callPartner(world, host, answers)
  if (outcome === '200' || !isSound(answers[0])) return outcome
  // The clock of STS, which the SDK believes, and its connections are shared: odd answers to others may spoil a good one, for a moment.
  world.spoiled.add(host)
  return `${outcome} beside odd answers`
}
