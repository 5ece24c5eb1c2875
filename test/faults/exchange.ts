// The token endpoint of an exchange breaks: it is down, slow or silent, or it lies.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { createTestAuthority } from '../support/certificates.ts'
import { startUpstream } from '../support/proxy/upstream.ts'
import type { Upstream } from '../support/proxy/upstream.ts'
import { PARTNER_HOST } from '../support/stack/stack.ts'
import type { Stack } from '../support/stack/stack.ts'
import type { FaultRow } from './row.ts'
import { REQUESTS, inWords, load, recovered, untilUnused, withStack } from './scenario.ts'

const HOST = 'sso.example'
const RETRY_AFTER_SECONDS = 3
/** A timer may be a little early, and clocks are rounded. */
const EARLY_MS = 50

/** Answers a request for a token. @param subject the source token. */
type Answer = (response: ServerResponse, subject: string) => void

const json =
  (body: (subject: string) => object, status = 200, headers: Readonly<Record<string, string>> = {}): Answer =>
  (response, subject) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body(subject)))

/** The partner takes the source token as well as any, so that what reaches it can be verified. */
const issue = (fields: object = {}): Answer =>
  json((subject) => ({ access_token: subject, token_type: 'Bearer', expires_in: 3600, ...fields }))

const HALF = '{"access_token":"eyJhbGciOi'
const UNAVAILABLE = '503 token_unavailable'

/** What the endpoint answers in place of a token. Each must end as this, and never reach the partner. */
const ANSWERS: Readonly<Record<string, { readonly answer: Answer; readonly seen: string }>> = {
  'an HTML page': {
    answer: (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>'),
    seen: UNAVAILABLE,
  },
  'a redirect': {
    answer: (response) => response.writeHead(302, { location: 'https://elsewhere.example/' }).end(),
    seen: '502 token_denied',
  },
  'half an answer': {
    answer: (response) => {
      response.writeHead(200, { 'content-length': 1_000 })
      response.write(HALF, () => response.socket?.destroySoon())
    },
    seen: UNAVAILABLE,
  },
  'JSON that ends in the middle': { answer: (response) => response.end(HALF), seen: UNAVAILABLE },
  'no access_token': { answer: issue({ access_token: undefined }), seen: UNAVAILABLE },
  'an access_token with a line break': { answer: issue({ access_token: 'a\r\nX-Evil: 1' }), seen: UNAVAILABLE },
  'a token that lives for a second': { answer: issue({ expires_in: 1 }), seen: UNAVAILABLE },
  'a token of type DPoP': { answer: issue({ token_type: 'DPoP' }), seen: UNAVAILABLE },
  'a megabyte': { answer: issue({ padding: 'x'.repeat(1 << 20) }), seen: UNAVAILABLE },
  'a server error': { answer: json(() => ({}), 500), seen: UNAVAILABLE },
  invalid_grant: { answer: json(() => ({ error: 'invalid_grant' }), 400), seen: '502 token_denied' },
}

const answers: readonly FaultRow[] = Object.entries(ANSWERS).map(([what, { answer, seen }]) => ({
  id: `exchange-answers-${what.replaceAll(' ', '-').toLowerCase()}`,
  fault: `The token endpoint of an exchange answers the first request with ${what}.`,
  invariant: 'Requests end as an error of the proxy, none reaches the partner; once the endpoint is well they succeed.',
  run: () =>
    withExchange(answer, async (stack, endpoint) => {
      const during = await load(stack, { requests: 10 })
      expect(Object.keys(during)).to.deep.equal([seen])
      expect(stack.partner.verified()).to.equal(0)
      endpoint.answer = issue()
      return `${inWords(during)}; afterwards ${inWords(await recovered(stack))}`
    }),
}))

export const ROWS: readonly FaultRow[] = [
  ...answers,
  {
    id: 'exchange-throttled',
    fault: `The token endpoint of an exchange answers 429 with Retry-After: ${RETRY_AFTER_SECONDS}.`,
    invariant: 'It is not called again before that time, none reaches the partner; once it is well requests succeed.',
    run: () =>
      withExchange(
        json(() => ({}), 429, { 'retry-after': `${RETRY_AFTER_SECONDS}` }),
        async (stack, endpoint) => {
          const during = await load(stack, { requests: 10 })
          expect(Object.keys(during)).to.deep.equal([UNAVAILABLE])
          expect(stack.partner.verified()).to.equal(0)
          const calls = [...endpoint.calls]
          const pauses = calls.slice(1).map((at, index) => at - calls[index]!)
          expect(pauses, 'calls after the first').not.to.deep.equal([])
          expect(Math.min(...pauses)).to.be.at.least(RETRY_AFTER_SECONDS * 1000 - EARLY_MS)
          endpoint.answer = issue()
          return `${inWords(during)}, ${calls.length} calls; afterwards ${inWords(await recovered(stack))}`
        },
      ),
  },
  {
    id: 'exchange-down',
    fault: 'Nothing listens where the token endpoint of an exchange is.',
    invariant: 'Requests end as 503, none reaches the partner; once the endpoint is there they succeed.',
    run: () =>
      withExchange(
        issue(),
        async (stack, endpoint) => {
          const during = await load(stack, { requests: 10 })
          expect(Object.keys(during)).to.deep.equal([UNAVAILABLE])
          expect(stack.partner.verified()).to.equal(0)
          await endpoint.start()
          return `${inWords(during)}; afterwards ${inWords(await recovered(stack))}`
        },
        { isDown: true },
      ),
  },
  {
    id: 'exchange-hangs',
    fault: 'The token endpoint of an exchange never answers.',
    invariant: 'Requests end as 504 after 11 s; none reaches the partner, none hangs; once it is well they succeed.',
    run: () =>
      withExchange(
        () => undefined,
        async (stack, endpoint) => {
          const during = await load(stack, { requests: 10 })
          expect(Object.keys(during)).to.deep.equal(['504 token_timeout'])
          expect(stack.partner.verified()).to.equal(0)
          endpoint.answer = issue()
          return `${inWords(during)}; afterwards ${inWords(await recovered(stack))}`
        },
      ),
  },
  {
    id: 'exchange-slow',
    fault: 'The token endpoint of an exchange takes 2 s while 100 requests wait.',
    invariant: 'It is called once, and all requests are answered.',
    run: () =>
      withExchange(
        (response, subject) => void delay(2_000).then(() => issue()(response, subject)),
        async (stack, endpoint) => {
          const outcome = await load(stack, { concurrency: REQUESTS })
          expect(outcome).to.deep.equal({ 200: REQUESTS })
          expect(endpoint.calls).to.have.lengthOf(1)
          return `${inWords(outcome)}; ${endpoint.calls.length} call`
        },
      ),
  },
  {
    id: 'exchange-down-while-a-token-is-valid',
    fault: 'The token endpoint of an exchange is gone from the first token of 40 s until 15 s before its end.',
    invariant: 'No request notices.',
    run: () =>
      withExchange(issue({ expires_in: 40 }), async (stack, endpoint) => {
        await load(stack, { requests: 1, concurrency: 1 })
        await endpoint.stop()
        const outcome = await untilUnused(stack)
        expect(Object.keys(outcome)).to.deep.equal(['200'])
        return inWords(outcome)
      }),
  },
]

/** A token endpoint that can be told to misbehave. */
interface Endpoint {
  /** What it answers from now on. */
  answer: Answer
  /** When it was called, in milliseconds. */
  readonly calls: readonly number[]
  start(): Promise<void>
  stop(): Promise<void>
}

/** Runs one scenario with a route that exchanges its tokens. @param answer the endpoint's, before the proxy first asks it. */
async function withExchange(
  answer: Answer,
  run: (stack: Stack, endpoint: Endpoint) => Promise<string>,
  { isDown = false }: { readonly isDown?: boolean } = {},
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'faults-exchange-'))
  const authority = await createTestAuthority()
  const caFile = join(directory, 'ca.crt')
  writeFileSync(caFile, authority.ca)
  const pair = await authority.issue([HOST])
  const calls: number[] = []
  let server: Upstream | undefined
  let port = 0
  const endpoint: Endpoint = {
    answer,
    calls,
    start: async () => {
      server = await startUpstream(
        (request, response) => {
          calls.push(performance.now())
          void text(request).then((body) => endpoint.answer(response, subjectOf(body)))
        },
        pair,
        undefined,
        port,
      )
      port = server.port
    },
    stop: async () => {
      await server?.close()
      server = undefined
    },
  }
  await endpoint.start()
  if (isDown) await endpoint.stop()
  const tokenUrl = `https://${HOST}:${port}/token`
  try {
    return await withStack(
      {
        route: { exchange: { type: 'oauth2', tokenUrl, grant: 'token-exchange', caFile } },
        environment: { RESOLVE_HOSTS: [PARTNER_HOST, HOST].map((name) => `${name}=127.0.0.1`).join(',') },
      },
      (stack) => run(stack, endpoint),
    )
  } finally {
    await endpoint.stop()
    rmSync(directory, { recursive: true })
  }
}

const subjectOf = (body: string): string => new URLSearchParams(body).get('subject_token') ?? ''
