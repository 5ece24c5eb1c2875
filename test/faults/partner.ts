// The partner's side breaks: refused, reset at every phase, slow, silent.
import { expect } from 'chai'
import { ANSWER } from '../support/stack/partner.ts'
import type { Behaviour } from '../support/stack/partner.ts'
import { until } from '../support/until.ts'
import type { FaultRow } from './row.ts'
import { REQUESTS, inWords, load, settled, withStack } from './scenario.ts'

/** Where a partner breaks off, and what the application must see: an error, never a response that looks whole. */
const PHASES: Readonly<Record<string, { readonly behaviour: Behaviour; readonly seen: readonly string[] }>> = {
  'after the request head': {
    behaviour: (request) => request.socket.destroy(),
    seen: ['502 upstream_reset'],
  },
  'after half a response head': {
    behaviour: (request) => {
      request.socket.write('HTTP/1.1 200 OK\r\nContent-Le')
      request.socket.destroySoon()
    },
    seen: ['502 upstream_reset'],
  },
  'after the response head': {
    behaviour: (_request, response) => {
      response.writeHead(200, { 'content-length': 10 })
      response.flushHeaders()
      setImmediate(() => response.socket?.destroy())
    },
    seen: ['broken'],
  },
  'within a body of known length': {
    behaviour: (_request, response) => {
      response.writeHead(200, { 'content-length': 10 })
      response.write('12345', () => response.socket?.destroySoon())
    },
    seen: ['broken'],
  },
  'within a chunked body': {
    behaviour: (_request, response) => {
      response.writeHead(200)
      response.write('12345', () => response.socket?.destroySoon())
    },
    seen: ['broken'],
  },
}

const resets: readonly FaultRow[] = Object.entries(PHASES).map(([phase, { behaviour, seen }]) => ({
  id: `partner-reset-${phase.replaceAll(' ', '-')}`,
  fault: `The partner ends the connection ${phase}, every time.`,
  invariant:
    'Every POST ends as an error or a broken connection, none looks complete; afterwards all succeed; no socket stays.',
  run: () =>
    withStack({}, async (stack) => {
      stack.partner.behave(behaviour)
      const post = { method: 'POST', body: Buffer.from('order') }
      const during = await load(stack, post)
      expect(Object.keys(during)).to.satisfy(
        (outcomes: string[]) => outcomes.every((outcome) => seen.includes(outcome)),
        JSON.stringify(during),
      )
      stack.partner.behave(ANSWER)
      const after = await load(stack, post)
      expect(after).to.deep.equal({ 200: REQUESTS })
      await settled(stack)
      return `${inWords(during)}; afterwards ${inWords(after)}`
    }),
}))

export const ROWS: readonly FaultRow[] = [
  ...resets,
  {
    id: 'partner-refuses',
    fault: 'Nothing listens on the port of the partner.',
    invariant: 'Every request ends as 502, none hangs.',
    run: () =>
      withStack({}, async (stack) => {
        await stack.partner.close()
        const during = await load(stack)
        expect(Object.keys(during)).to.deep.equal(['502 upstream_connect_failed'])
        return inWords(during)
      }),
  },
  {
    id: 'partner-silent',
    fault: 'The partner takes requests and never answers (UPSTREAM_TIMEOUT=1s).',
    invariant: 'Every request ends as 504; connections to the partner are closed, not leaked.',
    run: () =>
      withStack({ environment: { UPSTREAM_TIMEOUT: '1s' } }, async (stack) => {
        stack.partner.behave((request) => request.resume())
        const during = await load(stack)
        expect(Object.keys(during)).to.deep.equal(['504 upstream_timeout'])
        await until('connections to the partner are closed', () => stack.partner.sockets() === 0)
        return inWords(during)
      }),
  },
  {
    id: 'dns-fails',
    fault: 'The name of a host does not resolve.',
    invariant: 'Every request ends as 502; nothing is called.',
    run: () =>
      withStack({ environment: { RESOLVE_HOSTS: 'nowhere.invalid=' } }, async (stack) => {
        const outcome = await load(stack, { url: 'http://nowhere.invalid/' })
        expect(Object.keys(outcome)).to.deep.equal(['502 upstream_dns_failed'])
        return inWords(outcome)
      }),
  },
]
