import type { FuzzKind, FuzzTarget } from '../kind.ts'
import type { StsAnswer } from './answers.ts'
import { createStsAnswers, isSound } from './answers.ts'
import { callPartner, checkSecrets, checkWorld } from './application.ts'
import { createStsWorld } from './world.ts'
import type { StsWorld } from './world.ts'

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

async function openProxy(): Promise<FuzzTarget<readonly StsAnswer[]>> {
  const world = await createStsWorld('web identity')
  let batches = 0
  return {
    pid: world.process.pid,
    attempt: (answers) => attempt(world, answers),
    afterBatch: async () => {
      await checkWorld(world)
      batches += 1
      if (batches % BATCHES_PER_LOOK === 0) checkSecrets('the output', world.process.output())
    },
    close: async () => {
      await world.close()
      checkSecrets('the output', world.process.output())
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
