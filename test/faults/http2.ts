// A partner that speaks HTTP/2 says no, leaves, stalls, or wants HTTP/1.1 instead. Clients call its https:// URL by HTTP/2.
import type { Http2ServerResponse } from 'node:http2'
import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { open, secureHttp2 } from '../support/proxy/http2-client.ts'
import { ANSWER, streamOf } from '../support/stack/partner.ts'
import type { Behaviour } from '../support/stack/partner.ts'
import type { Stack } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'
import type { FaultRow } from './row.ts'
import {
  MAY_GROW,
  REQUESTS,
  inWords,
  megabytes,
  memory,
  secureLoad,
  settled,
  settledMemory,
  withInterception,
} from './scenario.ts'
import type { Volumes } from './scenario.ts'

/** RFC 9113 §7. */
const NO_ERROR = 0
const REFUSED_STREAM = 7
const HTTP_1_1_REQUIRED = 13

const POST = { method: 'POST', body: Buffer.from('order') }
const WAITING = 10
const BYTES_EACH = 50 << 20

/** Streams of one connection that a partner takes before it leaves: more than are sent at a time, so that it leaves nobody twice. */
const TAKEN = 20
const LAST_ID = 2 * TAKEN - 1

type Http2Stream = Http2ServerResponse['stream']

/** Does something else to a stream; what comes by HTTP/1.1 is answered. */
const onStream =
  (act: (stream: Http2Stream, request: IncomingMessage) => boolean): Behaviour =>
  (request, response) => {
    const stream = streamOf(response)
    if (!stream || !act(stream, request)) ANSWER(request, response)
  }

const reset =
  (code: number) =>
  (stream: Http2Stream): boolean => {
    stream.close(code)
    return true
  }

/** What the partner does, and how requests end, by method. */
interface Case {
  readonly fault: string
  readonly invariant: string
  readonly behaviour: () => Behaviour
  readonly seen: Readonly<Record<string, number>>
  /** Whether to say how often requests arrived. */
  readonly hasTries?: boolean
}

const CASES: Readonly<Record<string, Case>> = {
  goaway: {
    fault: `An HTTP/2 partner says GOAWAY with every ${TAKEN}th stream of a connection, and answers it.`,
    invariant: 'No request notices: streams end where they are, later ones go by another connection.',
    behaviour: () =>
      onStream((stream) => {
        if (stream.id === LAST_ID) stream.session?.goaway(NO_ERROR)
        return false
      }),
    seen: { 200: REQUESTS },
  },
  'goaway-unprocessed': {
    fault: `An HTTP/2 partner answers ${TAKEN} streams of a connection, and leaves the rest out with a GOAWAY.`,
    invariant: 'No request notices: what the partner says it has not looked at is sent again, POST included.',
    behaviour: () =>
      onStream((stream) => {
        if (stream.id! <= LAST_ID) return false
        stream.session?.goaway(NO_ERROR, LAST_ID)
        return true
      }),
    seen: { 200: REQUESTS },
  },
  'refused-once': {
    fault: 'An HTTP/2 partner answers each request with REFUSED_STREAM the first time.',
    invariant: 'No request notices: each is sent again once, POST included.',
    behaviour: () => {
      const numbers = new Set<unknown>()
      return onStream((stream, { headers }) => {
        if (numbers.has(headers['x-number'])) return false
        numbers.add(headers['x-number'])
        return reset(REFUSED_STREAM)(stream)
      })
    },
    seen: { 200: REQUESTS },
    hasTries: true,
  },
  'refused-always': {
    fault: 'An HTTP/2 partner answers every stream with REFUSED_STREAM.',
    invariant: 'Every request ends as 502 after the second try.',
    behaviour: () => onStream(reset(REFUSED_STREAM)),
    seen: { '502 upstream_reset': REQUESTS },
    hasTries: true,
  },
  'http1-required': {
    fault: 'An HTTP/2 partner answers every stream with HTTP_1_1_REQUIRED.',
    invariant: 'No request notices: each is sent again by HTTP/1.1, POST included, and later ones go by it at once.',
    behaviour: () => onStream(reset(HTTP_1_1_REQUIRED)),
    seen: { 200: REQUESTS },
  },
  'http1-required-connection': {
    fault: 'An HTTP/2 partner ends the connection of the second stream with a GOAWAY of HTTP_1_1_REQUIRED.',
    invariant: 'No request that it left out notices; all go by HTTP/1.1 from then on.',
    behaviour: () =>
      onStream((stream) => {
        if (stream.id === 1) return false
        stream.session?.goaway(HTTP_1_1_REQUIRED, 1)
        return true
      }),
    seen: { 200: REQUESTS },
  },
}

const cases: readonly FaultRow[] = Object.entries(CASES).map(
  ([id, { fault, invariant, behaviour, seen, hasTries }]) => ({
    id: `http2-${id}`,
    fault,
    invariant,
    run: () =>
      withHttp2(async (stack, { anchor }) => {
        await secureLoad(stack, anchor(), { requests: 1, concurrency: 1 })
        stack.partner.behave(behaviour())
        const verified = stack.partner.verified()
        const during = await secureLoad(stack, anchor(), POST)
        expect(during).to.deep.equal(seen)
        const tries = hasTries ? `, ${stack.partner.verified() - verified} tries` : ''
        stack.partner.behave(ANSWER)
        const after = await secureLoad(stack, anchor(), POST)
        expect(after).to.deep.equal({ 200: REQUESTS })
        await settled(stack)
        return `${inWords(during)}${tries}; afterwards ${inWords(after)}`
      }),
  }),
)

export const ROWS: readonly FaultRow[] = [
  ...cases,
  {
    id: 'http2-stalled-partner',
    fault: 'Ten streams of 50 MB each go to an HTTP/2 partner that opens no window for a while.',
    invariant:
      'The proxy holds back instead of buffering: it grows by less than 40 MB while 500 MB wait, and all arrive in the end.',
    run: () =>
      withHttp2(async (stack, { anchor }) => {
        await secureLoad(stack, anchor())
        const held: (() => void)[] = []
        stack.partner.behave((request, response) => {
          request.pause()
          held.push(() => request.resume().on('end', () => response.end()))
        })
        const before = await memory(stack)
        // A connection each, so that their clients' one window is not what holds them back.
        const upload = { requests: 1, method: 'POST', body: Buffer.alloc(BYTES_EACH) }
        const uploads = Promise.all(Array.from({ length: WAITING }, () => secureLoad(stack, anchor(), upload)))
        const grown = (await settledMemory(stack, WAITING)) - before
        expect(grown).to.be.lessThan(MAY_GROW)
        for (const release of held) release()
        expect(await uploads).to.deep.equal(Array.from({ length: WAITING }, () => ({ 200: 1 })))
        return `500 MB waiting, ${megabytes(grown)} MB grown; then ${WAITING} × 200`
      }),
  },
  {
    id: 'http2-stalled-client',
    fault: 'Ten streams of HTTP/2 clients ask for 50 MB each and open no window.',
    invariant: 'The proxy holds back instead of buffering: it grows by less than 40 MB while 500 MB wait.',
    run: () =>
      withHttp2(async (stack, { anchor }) => {
        await secureLoad(stack, anchor())
        const before = await memory(stack)
        const authority = new URL(stack.url).host
        const sessions = await Promise.all(
          Array.from({ length: WAITING }, () => secureHttp2(stack.proxyPort, authority, anchor())),
        )
        for (const session of sessions) open(session, { ':path': '/', 'x-bytes': BYTES_EACH }).stream.pause()
        const grown = (await settledMemory(stack, WAITING)) - before
        for (const session of sessions) session.destroy()
        expect(grown).to.be.lessThan(MAY_GROW)
        await settled(stack)
        return `500 MB waiting, ${megabytes(grown)} MB grown`
      }),
  },
  {
    id: 'http2-partner-dies',
    fault:
      'An HTTP/2 partner destroys the connection with every tenth stream, while the others wait for their answers.',
    invariant:
      'Streams of that connection end as an error, none looks complete and none hangs; those after them succeed.',
    run: () =>
      withHttp2(async (stack, { anchor }) => {
        let streams = 0
        stack.partner.behave((request, response) => {
          if (++streams % 10 === 0) streamOf(response)?.session?.destroy()
          else void delay(50).then(() => ANSWER(request, response))
        })
        const during = await secureLoad(stack, anchor(), POST)
        expect(['200', '502 upstream_reset'], JSON.stringify(during)).to.include.members(Object.keys(during))
        stack.partner.behave(ANSWER)
        const after = await secureLoad(stack, anchor(), POST)
        expect(after).to.deep.equal({ 200: REQUESTS })
        await settled(stack)
        return `${inWords(during)}; afterwards ${inWords(after)}`
      }),
  },
]

function withHttp2(run: (stack: Stack, volumes: Volumes) => Promise<string>): Promise<string> {
  return withInterception({ http2: true }, async (stack, volumes) => {
    const counted = await run(stack, volumes)
    await until('no request is left', async () => (await stack.metric('outbound_jwt_requests_in_flight')) === 0)
    return counted
  })
}
