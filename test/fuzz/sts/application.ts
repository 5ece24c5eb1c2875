// The application behind the proxy, and what it may see.
import { get } from '../get.ts'
import { eventually } from '../patience.ts'
import type { StsAnswer } from './answers.ts'
import { mayForge } from './answers.ts'
import { SECRET, SESSION_TOKEN } from './sessions.ts'
import type { StsWorld } from './world.ts'

/** A request may join a call that hangs, and then fails with it; the next one does not. */
const RECOVERY_MS = 60_000

/** More than answers that are planned for a host, and a retry every other second until they are through. */
const MOST_CALLS = 200

/** Calls a host of the partner. @returns how it ended. @throws when it ends as it never may. */
export async function callPartner(world: StsWorld, host: string, answers: readonly StsAnswer[]): Promise<string> {
  const { status, code, text } = await get(world.proxyPort, world.urlOf(host))
  checkSecrets('an answer', text)
  if (status === 200) return '200'
  // The partner's own: the token is one its issuer did not sign.
  if (status === 401 && code === undefined) {
    if (!answers.some(mayForge)) throw new Error('the partner was sent a token that nobody made')
    return '401 of the partner'
  }
  const outcome = `${status} ${String(code)}`
  if (!/^(?:502 token_denied|503 token_unavailable|504 token_timeout)$/.test(outcome))
    throw new Error(`answered ${outcome}: ${text}`)
  return outcome
}

/** Checks what must hold when AWS is well again. @throws when it does not. */
export async function checkWorld(world: StsWorld): Promise<void> {
  const { partner, spoiled } = world
  if (partner.wrongs.length > 0) throw new Error(`reached the partner: ${partner.wrongs.join('\n')}`)
  if (world.mostCalls() > MOST_CALLS) throw new Error(`asked STS ${world.mostCalls()} times for one token`)
  for (const host of [world.hostFor([]), ...spoiled])
    await eventually(
      'a request succeeds when AWS is well',
      async () => (await callPartner(world, host, [])) === '200',
      RECOVERY_MS,
    )
  spoiled.clear()
}

/** SECURITY: whatever the answers of AWS were, none of it is repeated. */
export function checkSecrets(where: string, text: string): void {
  for (const secret of [/eyJ[\w-]{16}/.exec(text)?.[0], SECRET, SESSION_TOKEN.slice(0, 40)])
    if (secret !== undefined && text.includes(secret)) throw new Error(`${where} shows ${secret}`)
}
