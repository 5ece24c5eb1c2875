import { setTimeout as delay } from 'node:timers/promises'
import { get } from '../get.ts'
import type { FuzzKind, FuzzTarget } from '../kind.ts'
import { eventually } from '../patience.ts'
import { createExchangeAnswers } from './answers.ts'
import { EXCHANGE_NAMES } from './routes.ts'
import { SECRET, startExchangeWorld, startedNow } from './world.ts'
import type { ExchangeCase, ExchangeWorld } from './world.ts'

/** A partner's refusal is believed for 15 s, a request waits for 11 s; the rest is a busy machine. */
const RECOVERY_MS = 240_000
const MOST_BYTES = 256 * 1024 * 1024
/** Of an answer without an end: 256 KiB, and what the buffers of two sockets may hold. */
const MOST_TAKEN_BYTES = 16 * 1024 * 1024
/** Handshakes that a busy machine makes within the limits. */
const SLOTS = 24

export const EXCHANGE_ANSWERS: FuzzKind<ExchangeCase> = {
  name: 'exchanges',
  subject:
    'What token endpoints answer to every kind of exchange: status lines, heads, framing, JSON, errors, lives, tokens of any bytes, at every pace, to the shipped proxy.',
  invariants: [
    'every request ends with 200, or with the 502, 503 or 504 of a token that is not to be had, within the limits',
    'what reaches a partner carries one credential in its form, which its own endpoint said, and which is not over, even when there is no other; no header was added',
    'what reaches an endpoint carries the source token of its own route, and does not come in a loop',
    'no token, source token or client secret is in the output or in an answer to the application, in whatever encoding',
    'an answer without an end is given up within 16 MiB of it, most of which are in sockets; the process has never had more than 256 MiB',
    'when the endpoint is well again requests succeed; the process lives',
  ],
  batch: SLOTS,
  atOnce: SLOTS,
  quick: 24,
  isMostlyWaiting: true,
  generate: (random) => ({ exchange: random.pick(EXCHANGE_NAMES), answers: createExchangeAnswers(random) }),
  open: () => Promise.resolve(createTarget()),
}

/** Each batch has a process of its own: a token that lives for a day would keep the next answers from being asked for. */
function createTarget(): FuzzTarget<ExchangeCase> {
  let cases: ExchangeCase[] = []
  let starting: Promise<ExchangeWorld> | undefined
  return {
    attempt: async (input) => {
      const slot = cases.push(input) - 1
      // All cases of a batch come in one turn of the event loop.
      starting ??= new Promise((resolve) => setImmediate(resolve)).then(() => startExchangeWorld(cases))
      return callTwice(await starting, slot)
    },
    afterBatch: async () => {
      const world = await starting
      if (world) await checkWorld(world, cases)
      await end()
    },
    close: end,
  }

  async function end(): Promise<void> {
    const world = await starting
    starting = undefined
    cases = []
    await world?.close()
    if (world) checkSecrets('the output', world.output())
  }
}

/** Again when a token with a short life is over, whatever its endpoint says by then: the partner looks at what is sent. */
async function callTwice(world: ExchangeWorld, slot: number): Promise<string> {
  const outcome = await callPartner(world, slot)
  const lapseMs = world.lapseMs(slot)
  if (lapseMs === undefined) return outcome
  await delay(lapseMs)
  return `short life, afterwards ${await callPartner(world, slot)}`
}

async function callPartner(world: ExchangeWorld, slot: number): Promise<string> {
  const { status, code, text } = await get(world.proxyPort, world.urlOf(slot), startedNow)
  checkSecrets('an answer', text)
  if (status === 200) return '200'
  const outcome = `${status} ${String(code)}`
  if (!/^(?:502 token_denied|503 token_unavailable|504 token_timeout)$/.test(outcome))
    throw new Error(`answered ${outcome}: ${text}`)
  const { error } = JSON.parse(text) as { readonly error: { readonly code: string; readonly message: string } }
  if (error.code !== code || !/^[\x20-\x7e]+$/.test(error.message)) throw new Error(`says ${JSON.stringify(error)}`)
  return outcome
}

/** Checks what must hold when endpoints are well again. @throws when it does not. */
async function checkWorld(world: ExchangeWorld, cases: readonly ExchangeCase[]): Promise<void> {
  world.recover()
  await Promise.all(
    cases.map(async ({ answers }, slot) => {
      // A wish for a pause is honoured for an hour.
      if (answers.some(({ head }) => /^retry-after:/im.test(head))) return
      const isServed = async (): Promise<boolean> => (await callPartner(world, slot)) === '200'
      await eventually(`slot ${slot} is served when its endpoint is well`, isServed, RECOVERY_MS, 500)
    }),
  )
  if (world.wrongs.length > 0) throw new Error(world.wrongs.join('\n'))
  const taken = world.takenBytes()
  if (taken > MOST_TAKEN_BYTES) throw new Error(`the process took ${(taken / 2 ** 20).toFixed(0)} MiB of one answer`)
  const peak = world.peakBytes()
  if (peak > MOST_BYTES) throw new Error(`the process had ${(peak / 2 ** 20).toFixed(0)} MiB`)
}

/** SECURITY: whatever an endpoint repeats, none of it is repeated. */
function checkSecrets(where: string, text: string): void {
  const shown =
    /eyJ[\w-]{16}|slot\d+-[A-Za-z0-9]{40}/.exec(text)?.[0] ?? readings(text).find((each) => each.includes(SECRET))
  if (shown !== undefined) throw new Error(`${where} shows ${shown.slice(0, 2_000)}`)
}

/** @returns a text, and what it and its runs of base64 say in percent-encoding and as a form. */
function readings(text: string): readonly string[] {
  const runs = [...text.matchAll(/[A-Za-z0-9+/_-]{16,}/g)].map(([run]) => Buffer.from(run, 'base64').toString('latin1'))
  return [text, ...runs].flatMap((each) => [each, decoded(each), decoded(each.replaceAll('+', ' '))])
}

const decoded = (text: string): string =>
  text.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
