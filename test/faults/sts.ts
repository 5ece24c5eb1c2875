// AWS breaks: STS is down, slow, silent, throttles, answers nonsense, has another time, or refuses.
import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import type { Fault } from '../aws-emulator/src/index.ts'
import type { Stack } from '../support/stack/stack.ts'
import type { FaultRow } from './row.ts'
import { REQUESTS, inWords, load, recovered, routeOf, steadily, untilUnused, withStack } from './scenario.ts'

const DOWN: readonly Fault[] = [
  { operation: 'GetWebIdentityToken', kind: 'reset' },
  { operation: 'AssumeRoleWithWebIdentity', kind: 'reset' },
]

/** Shortest life STS gives. */
const SHORT = { route: { durationSeconds: 60 } } as const

/** What STS answers in place of a token. Each must end as one of these, and never reach the partner. */
const ANSWERS: Readonly<Record<string, { readonly fault: Fault; readonly seen: readonly string[] }>> = {
  'a reset': { fault: mint({ kind: 'reset' }), seen: ['503 token_unavailable'] },
  'an HTML page': { fault: mint({ kind: 'html' }), seen: ['503 token_unavailable'] },
  'half an answer': { fault: mint({ kind: 'truncated' }), seen: ['503 token_unavailable'] },
  'XML that ends in the middle': { fault: mint({ kind: 'malformed-xml' }), seen: ['503 token_unavailable'] },
  'an empty result': { fault: mint({ kind: 'empty-result' }), seen: ['503 token_unavailable'] },
  'a token that is none': { fault: mint({ kind: 'token', token: 'abc' }), seen: ['503 token_unavailable'] },
  'a token that is already over': { fault: mint({ kind: 'lifetime', seconds: -10 }), seen: ['503 token_unavailable'] },
  Throttling: { fault: mint({ kind: 'error', code: 'Throttling' }), seen: ['503 token_unavailable'] },
  AccessDenied: { fault: mint({ kind: 'error', code: 'AccessDenied' }), seen: ['502 token_denied'] },
}

const answers: readonly FaultRow[] = Object.entries(ANSWERS).map(([answer, { fault, seen }]) => ({
  id: `sts-answers-${answer.replaceAll(' ', '-').toLowerCase()}`,
  fault: `STS answers the first request for a token with ${answer}.`,
  invariant: 'Requests end as an error of the proxy, none reaches the partner; once STS is well they succeed.',
  run: () =>
    cold([fault], async (stack) => {
      const during = await load(stack, { requests: 10 })
      expect(Object.keys(during)).to.deep.equal(seen)
      expect(stack.partner.verified()).to.equal(0)
      stack.emulator.setFaults([])
      return `${inWords(during)}; afterwards ${inWords(await recovered(stack))}`
    }),
}))

export const ROWS: readonly FaultRow[] = [
  ...answers,
  {
    id: 'sts-down-while-a-token-is-valid',
    fault: 'STS is down from a second after a token of 60 s was minted until 15 s before its end.',
    invariant: 'No request notices.',
    run: () =>
      withStack(SHORT, async (stack) => {
        await load(stack, { requests: 1, concurrency: 1 })
        stack.emulator.setFaults(DOWN)
        const outcome = await untilUnused(stack)
        expect(Object.keys(outcome)).to.deep.equal(['200'])
        return inWords(outcome)
      }),
  },
  {
    id: 'sts-slow',
    fault: 'STS takes 2 s for the first token while 100 requests wait.',
    invariant: 'One token is minted, and all requests are answered.',
    run: () =>
      cold([mint({ kind: 'delay', milliseconds: 2_000 })], async (stack) => {
        const outcome = await load(stack, { concurrency: REQUESTS })
        expect(outcome).to.deep.equal({ 200: REQUESTS })
        expect(mints(stack)).to.equal(1)
        return `${inWords(outcome)}; ${mints(stack)} call`
      }),
  },
  {
    id: 'sts-hangs',
    fault: 'STS never answers.',
    invariant: 'Requests end as 504 after 8 s; none reaches the partner, none hangs; once STS is well they succeed.',
    run: () =>
      cold([mint({ kind: 'hang' })], async (stack) => {
        const during = await load(stack, { requests: 10 })
        expect(Object.keys(during)).to.deep.equal(['504 token_timeout'])
        expect(stack.partner.verified()).to.equal(0)
        stack.emulator.setFaults([])
        return `${inWords(during)}; afterwards ${inWords(await recovered(stack))}`
      }),
  },
  ...([600, -600] as const).map((seconds): FaultRow => ({
    id: `clock-${seconds}`,
    fault: `The clock of this machine is ten minutes ${seconds > 0 ? 'behind' : 'ahead of'} AWS's.`,
    invariant: 'Requests succeed, and the skew is measured.',
    run: () =>
      withStack({ emulator: { now: () => Date.now() + seconds * 1000 } }, async (stack) => {
        const outcome = await load(stack)
        expect(outcome).to.deep.equal({ 200: REQUESTS })
        const skew = await stack.metric(`outbound_jwt_clock_skew_seconds{route="${routeOf(stack)}"}`)
        expect(Math.abs(Math.abs(skew) - 600)).to.be.lessThan(5)
        return `${inWords(outcome)}; skew ${Math.round(skew)} s`
      }),
  })),
  {
    id: 'federation-disabled',
    fault: 'Outbound identity federation is switched off for the account.',
    invariant: 'Requests end as 502 with the command that switches it on; none reaches the partner.',
    run: () =>
      withStack({ federation: false }, async (stack) => {
        const outcome = await load(stack, { requests: 10 })
        expect(Object.keys(outcome)).to.deep.equal(['502 token_denied'])
        expect(stack.partner.verified()).to.equal(0)
        return inWords(outcome)
      }),
  },
  {
    id: 'service-account-token-rotated',
    fault: 'Role sessions last 60 s, and the projected token is replaced after 5 s, as a kubelet does it.',
    invariant: 'No request notices; credentials are renewed with the new token.',
    run: () =>
      withStack({ ...SHORT, emulator: { state: { sessionSeconds: 90 } } }, async (stack) => {
        await load(stack, { requests: 1, concurrency: 1 })
        const rotated = delay(5_000).then(() => rotate(stack))
        const outcome = await steadily(stack, 70_000)
        await rotated
        expect(Object.keys(outcome)).to.deep.equal(['200'])
        const sessions = calls(stack, 'AssumeRoleWithWebIdentity')
        expect(sessions).to.be.greaterThan(1)
        return `${inWords(outcome)}; ${sessions} role sessions`
      }),
  },
]

/** A stack whose STS is broken before the proxy first asks it. */
function cold(faults: readonly Fault[], run: (stack: Stack) => Promise<string>): Promise<string> {
  return withStack({ faults }, run)
}

function mint(fault: object): Fault {
  return { operation: 'GetWebIdentityToken', ...fault } as Fault
}

async function rotate({ emulator, tokenFile }: Stack): Promise<void> {
  writeFileSync(tokenFile, await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' }))
}

const calls = ({ emulator }: Stack, action: string): number =>
  emulator.calls().filter((call) => call.action === action).length
const mints = (stack: Stack): number => calls(stack, 'GetWebIdentityToken')
