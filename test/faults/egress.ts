// The egress proxy of a corporation breaks: at each phase of a CONNECT, within TLS, and under load.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { TLSSocket, createSecureContext } from 'node:tls'
import { expect } from 'chai'
import { createTestAuthority } from '../support/certificates.ts'
import { startRawUpstream } from '../support/proxy/upstream.ts'
import type { Upstream } from '../support/proxy/upstream.ts'
import { ANSWER } from '../support/stack/partner.ts'
import { PARTNER_HOST } from '../support/stack/stack.ts'
import type { Stack } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'
import type { FaultRow } from './row.ts'
import { inWords, load, recovered, withStack } from './scenario.ts'

/** What the egress proxy does with a CONNECT. @param tunnel does what it should. */
type Behaviour = (client: Socket, tunnel: () => Promise<Socket>) => unknown

const refuse =
  (status: string, fields = ''): Behaviour =>
  (client) =>
    client.end(`HTTP/1.1 ${status}\r\n${fields}Content-Length: 0\r\n\r\n`)
const established = (client: Socket): boolean => client.write('HTTP/1.1 200 Connection established\r\n\r\n')

/** What it does, and how every request ends. */
const PHASES: Readonly<Record<string, { readonly behaviour: Behaviour; readonly seen: string }>> = {
  'answers CONNECT with 407': {
    behaviour: refuse('407 Proxy Authentication Required', 'Proxy-Authenticate: Basic realm="corporate"\r\n'),
    seen: '502 egress_proxy_unauthenticated',
  },
  'answers CONNECT with 403': { behaviour: refuse('403 Forbidden'), seen: '502 egress_proxy_denied' },
  'answers CONNECT with 502': { behaviour: refuse('502 Bad Gateway'), seen: '502 egress_proxy_failed' },
  'answers CONNECT with what is no HTTP': {
    behaviour: (client) => client.end('SSH-2.0-OpenSSH_9.9\r\n'),
    seen: '502 egress_proxy_failed',
  },
  'closes the connection after CONNECT': {
    behaviour: (client) => client.destroy(),
    seen: '502 egress_proxy_failed',
  },
  'is silent after CONNECT': { behaviour: () => undefined, seen: '504 egress_proxy_timeout' },
  'resets the tunnel within the TLS handshake': {
    behaviour: (client) => {
      established(client)
      client.once('data', () => client.resetAndDestroy())
    },
    seen: '502 upstream_connect_failed',
  },
  'ends TLS itself, with a certificate of its own': {
    behaviour: async (client) => {
      const secureContext = createSecureContext(await (await createTestAuthority('corporate')).issue([PARTNER_HOST]))
      established(client)
      new TLSSocket(client, { isServer: true, secureContext }).on('error', () => client.destroy()).resume()
    },
    seen: '502 upstream_tls_failed',
  },
  'opens the tunnel and says nothing in it': {
    behaviour: (client) => established(client),
    seen: '502 upstream_connect_failed',
  },
}

const phases: readonly FaultRow[] = Object.entries(PHASES).map(([what, { behaviour, seen }]) => ({
  id: `egress-${what.replaceAll(/[ ,]+/g, '-').toLowerCase()}`,
  fault: `The egress proxy ${what}.`,
  invariant:
    'Every request ends as an error that names the phase, none hangs, nothing of it reaches the egress proxy in the clear; once that is well they succeed.',
  run: () =>
    withEgress(async (stack, egress) => {
      egress.behaviour = behaviour
      const during = await load(stack, { requests: 10 })
      expect(Object.keys(during)).to.deep.equal([seen])
      expect(stack.partner.verified()).to.equal(0)
      egress.behaviour = PASS
      return `${inWords(during)}; afterwards ${inWords(await recovered(stack))}`
    }),
}))

export const ROWS: readonly FaultRow[] = [
  {
    id: 'egress-down',
    fault: 'Nothing listens where the egress proxy is.',
    invariant: 'Every request ends as 502, none hangs; once the egress proxy is there they succeed.',
    run: () =>
      withEgress(async (stack, egress) => {
        await egress.stop()
        const during = await load(stack)
        expect(Object.keys(during)).to.deep.equal(['502 egress_proxy_unreachable'])
        await egress.start()
        return `${inWords(during)}; afterwards ${inWords(await recovered(stack))}`
      }),
  },
  ...phases,
  {
    id: 'egress-dies',
    fault:
      'The egress proxy is killed while requests on ten connections wait for the partner, and is back a second later.',
    invariant:
      'Every request that was under way ends as an error, none hangs or looks complete; afterwards all succeed.',
    run: () =>
      withEgress(async (stack, egress) => {
        stack.partner.behave((request, response) => void delay(300).then(() => ANSWER(request, response)))
        let isOver = false
        const loading = load(stack, { requests: 100_000, proceed: () => !isOver })
        await until('requests are under way', () => stack.partner.verified() >= 20, 20_000)
        await egress.stop()
        await delay(1_000)
        await egress.start()
        const verified = stack.partner.verified()
        await until('requests arrive again', () => stack.partner.verified() >= verified + 20, 20_000)
        isOver = true
        const during = await loading
        const known = ['200', '502 upstream_reset', '502 egress_proxy_unreachable', '502 egress_proxy_failed']
        expect(known, JSON.stringify(during)).to.include.members(Object.keys(during))
        stack.partner.behave(ANSWER)
        return `${inWords(during)}; afterwards ${inWords(await recovered(stack))}`
      }),
  },
]

const PASS: Behaviour = async (client, tunnel) => {
  const upstream = await tunnel()
  established(client)
  client.pipe(upstream).pipe(client)
}

interface EgressProxy {
  behaviour: Behaviour
  start(): Promise<void>
  /** Ends every connection. */
  stop(): Promise<void>
}

/** Runs one scenario in which the partner is reached by an egress proxy alone. SECURITY: it sees no header field of a request. */
async function withEgress(run: (stack: Stack, egress: EgressProxy) => Promise<string>): Promise<string> {
  const heads: string[] = []
  let server: Upstream | undefined
  let port = 0
  const egress: EgressProxy = {
    behaviour: PASS,
    start: async () => {
      server = await startRawUpstream((client) => {
        let head = ''
        const onData = (chunk: Buffer): void => {
          head += chunk.toString('latin1')
          if (!head.includes('\r\n\r\n')) return
          client.off('data', onData)
          heads.push(head)
          const target = Number(/^CONNECT \S+:(\d+) /.exec(head)?.[1])
          egress.behaviour(client, () => reach(client, target))
        }
        client.on('data', onData)
      }, port)
      port = server.port
    },
    stop: async () => {
      await server?.close()
      server = undefined
    },
  }
  await egress.start()
  try {
    return await withStack({ environment: { EGRESS_PROXY: `http://127.0.0.1:${port}` } }, async (stack) => {
      const counted = await run(stack, egress)
      expect(heads.length, 'connections of the proxy').to.be.greaterThan(0)
      expect(heads.join('')).not.to.match(/authorization|eyJ/i)
      return counted
    })
  } finally {
    await egress.stop()
  }
}

async function reach(client: Socket, port: number): Promise<Socket> {
  const upstream = connect(port, '127.0.0.1')
  upstream.on('error', () => client.destroy()).on('close', () => client.destroy())
  client.on('close', () => upstream.destroy())
  await once(upstream, 'connect')
  return upstream
}
