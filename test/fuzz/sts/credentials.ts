import type { FuzzKind, FuzzTarget } from '../kind.ts'
import { callPartner, checkSecrets, checkWorld } from './application.ts'
import type { RawAnswer } from '../raw/answer.ts'
import type { Source } from './sessions.ts'
import { BRIEF_SESSION, createSessionAnswers } from './sessions.ts'
import { createStsWorld } from './world.ts'
import type { StsWorld } from './world.ts'

const WHERE: Readonly<Record<Source, string>> = {
  'web identity': 'What STS answers to AssumeRoleWithWebIdentity',
  'pod identity': 'What the agent of EKS Pod Identity answers',
}

/** Proxies at a time: calls for a session that one process makes at once become one. */
const PROXIES = 4

/** Sessions whose end is garbled are good for ever, so that each small batch has processes of its own. */
export const credentials = (source: Source): FuzzKind<readonly RawAnswer[]> => ({
  name: source.replace(' ', '-'),
  subject: `${WHERE[source]}: status lines, headers, XML, JSON, missing and odd fields, garbled bytes, at every pace, to the shipped proxy.`,
  invariants: [
    'every request ends with 200, or with the 502, 503 or 504 of a token that is not to be had, within the limits',
    'nothing reaches the partner without a token that was made for it',
    'no key, session token or token is in the output or in an answer to the application',
    'when credentials are to be had again requests succeed; the process lives',
  ],
  batch: 3 * PROXIES,
  atOnce: PROXIES,
  quick: PROXIES,
  isMostlyWaiting: true,
  generate: (random) => createSessionAnswers(random, source),
  open: (): Promise<FuzzTarget<readonly RawAnswer[]>> => {
    const worlds: StsWorld[] = []
    const idle: StsWorld[] = []
    const open = async (): Promise<StsWorld> => {
      const world = await createStsWorld(source, BRIEF_SESSION[source])
      worlds.push(world)
      return world
    }
    return Promise.resolve({
      attempt: async (answers) => {
        const world = idle.pop() ?? (await open())
        const outcome = await attempt(world, answers)
        idle.push(world)
        return outcome
      },
      afterBatch: async () => {
        await Promise.all(worlds.map(checkWorld))
        idle.length = 0
        await Promise.all(worlds.splice(0).map(end))
      },
      close: async () => {
        await Promise.all(worlds.map(end))
      },
    })
  },
})

async function attempt(world: StsWorld, answers: readonly RawAnswer[]): Promise<string> {
  world.planSessions(answers)
  const outcome = await callPartner(world, world.hostFor([]), [])
  const left = world.forgetSessions()
  return left === answers.length ? `${outcome}, not asked` : outcome
}

async function end(world: StsWorld): Promise<void> {
  await world.close()
  checkSecrets('the output', world.process.output())
}
