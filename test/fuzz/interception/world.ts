import { createSecureServer } from 'node:http2'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { createTestAuthority } from '../../support/certificates.ts'
import type { KeyPair } from '../../support/certificates.ts'
import { secureHttp2, ask } from '../../support/proxy/http2-client.ts'
import { openPodAuthority, secureThrough } from '../../support/proxy/interception.ts'
import { startTestProxy } from '../../support/proxy/proxy.ts'
import type { TestProxy } from '../../support/proxy/proxy.ts'
import { startRecorder } from '../../support/proxy/recorder.ts'
import { TEST_TOKEN } from '../../support/proxy/tokens.ts'
import { readAll } from '../../support/proxy/tunnel.ts'
import { observe } from '../../support/proxy/upstream.ts'
import type { Upstream } from '../../support/proxy/upstream.ts'
import { until } from '../../support/until.ts'
import type { Targets } from './client.ts'

const HOSTS = { h1: 'h1.partner.example', h2: 'h2.partner.example' }
/** On a machine that is busy with something else. */
const BUSY_MS = 60_000

/** A proxy that intercepts, between its clients and two partners that look at what reaches them. */
export interface InterceptionWorld {
  readonly proxy: TestProxy
  readonly targets: Targets
  /** Checks what reached the partners, and that good requests succeed. @throws when it does not hold. */
  check(): Promise<void>
  close(): Promise<void>
}

/** Limits are short, so that a hang is seen soon. */
export async function createInterceptionWorld(): Promise<InterceptionWorld> {
  const authority = await createTestAuthority()
  const pod = await openPodAuthority(HOSTS.h1, HOSTS.h2)
  const wrongs: string[] = []
  const recorder = await startRecorder(await authority.issue([HOSTS.h1]))
  const modern = await startHttp2Partner(await authority.issue([HOSTS.h2]), wrongs)
  const partners = { h1: `${HOSTS.h1}:${recorder.port}`, h2: `${HOSTS.h2}:${modern.port}` }
  const proxy = await startTestProxy({
    ca: authority.ca,
    authority: pod,
    routes: [{ hosts: Object.values(partners), https: 'intercept' }],
    settings: { UPSTREAM_TIMEOUT: '1s' },
    limits: {
      headMs: 300,
      keepAliveMs: 100,
      bodyIdleMs: 500,
      silenceMarginMs: 100,
      connectMs: 500,
      upstreamIdleMs: 500,
    },
  })
  const targets: Targets = { port: proxy.port, partners, anchor: pod.anchor }
  return {
    proxy,
    targets,
    check: async () => {
      for (const { line, authorization } of recorder.requests)
        if (line.includes('/smuggled') || authorization.join() !== `Bearer ${TEST_TOKEN}`)
          wrongs.push(`${line} with ${JSON.stringify(authorization)}`)
      if (/\r\nx-injected:/i.test(recorder.bytes())) wrongs.push('a field that nobody sent')
      recorder.reset()
      if (wrongs.length > 0) throw new Error(`reached a partner: ${wrongs.join('\n')}`)
      await until('every client is gone', async () => (await proxy.connections()) === 0, BUSY_MS)
      await until('a good request succeeds', () => areServed(targets), BUSY_MS)
    },
    close: async () => {
      await Promise.all([proxy.close(), recorder.close(), modern.close()])
    },
  }
}

/** Answers whatever comes, and writes down what should not have come. */
function startHttp2Partner(pair: KeyPair, wrongs: string[]): Promise<Upstream> {
  const server = createSecureServer(pair)
  server.on('sessionError', () => undefined)
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => undefined)
    const host = String(headers[':authority']).replace(/:\d+$/, '')
    const isSound =
      headers.authorization === `Bearer ${TEST_TOKEN}` && host === HOSTS.h2 && headers['x-injected'] === undefined
    if (!isSound) wrongs.push(JSON.stringify(headers).slice(0, 1_000))
    stream.resume().on('end', () => {
      if (!stream.destroyed) stream.respond({ ':status': 200 }, { endStream: true })
    })
  })
  return observe(server)
}

async function areServed({ port, partners, anchor }: Targets): Promise<boolean> {
  try {
    const secure = await secureThrough(port, partners.h1, { ca: anchor })
    secure.write(`GET /alive HTTP/1.1\r\nHost: ${partners.h1}\r\nConnection: close\r\n\r\n`)
    const first = await readAll(secure)
    const session = await secureHttp2(port, partners.h2, anchor)
    const { status } = await ask(session, { ':path': '/alive', ':authority': partners.h2 })
    session.destroy()
    return first.startsWith('HTTP/1.1 200 ') && status === 200
  } catch {
    return false
  }
}
