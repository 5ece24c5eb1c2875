import { execFileSync } from 'node:child_process'
import { readFileSync, truncateSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { FAILURES } from '../../proxy/src/tokens/failures.ts'
import type { FailureReason } from '../../proxy/src/tokens/failures.ts'
import { openExchangeWorld } from '../support/proxy/exchanging.ts'
import type { ExchangeWorld, ExchangingProxy } from '../support/proxy/exchanging.ts'
import { errorOf } from '../support/proxy/client.ts'
import type { Answer } from '../support/proxy/client.ts'
import { startUpstream } from '../support/proxy/upstream.ts'
import type { Upstream } from '../support/proxy/upstream.ts'

const HOST = 'sso.hostile.example'
const ELSEWHERE = 'elsewhere.hostile.example'
const SECRET = 'Ab8Q~correct-horse_battery.staple'
const granted = (token: unknown): string => JSON.stringify({ access_token: token, expires_in: 3600 })

interface Call {
  readonly headers: IncomingMessage['headers']
  readonly body: string
}
type Respond = (response: ServerResponse, call: Call) => unknown

const saying =
  (body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Respond =>
  (response) =>
    response.writeHead(200, headers).end(body)

/** Sends a chunk for as long as anybody takes it. */
async function endless(response: ServerResponse, pauseMs: number, chunk: Buffer): Promise<void> {
  const chunks = async function* (): AsyncGenerator<Buffer> {
    for (;;) {
      yield chunk
      await delay(pauseMs)
    }
  }
  await pipeline(chunks, response).catch(() => undefined)
}

/** Sends each character as a chunk. */
const oneByOne = (response: ServerResponse, body: string): Promise<void> => pipeline(Array.from(body), response)

/** What the sidecar makes of each; `ok` where the partner gets the token. */
const ANSWERS: Readonly<Record<string, readonly [Respond, FailureReason | 'ok']>> = {
  'a redirect to somewhere else': [
    (response) => response.writeHead(307, { location: `https://${ELSEWHERE}/token` }).end(),
    'exchange_denied',
  ],
  'a body without an end': [(response) => endless(response, 0, Buffer.alloc(64 * 1024, 'a')), 'unusable_answer'],
  'a body that trickles': [(response) => endless(response, 100, Buffer.from(' ')), 'exchange_timeout'],
  'a body that inflates to 256 MiB': [
    saying(gzipSync(Buffer.alloc(256 * 1024 ** 2)), { 'content-encoding': 'gzip' }),
    'unusable_answer',
  ],
  'a head of 64 KiB': [saying(granted('token'), { 'x-large': 'a'.repeat(64 * 1024) }), 'exchange_unreachable'],
  'a body shorter than it says': [
    (response) => {
      response.writeHead(200, { 'content-length': '1000' }).write(granted('token'))
      setImmediate(() => response.destroy())
    },
    'exchange_unreachable',
  ],
  'interim responses that nobody asked for': [
    (response) => {
      response.writeContinue()
      response.writeEarlyHints({ link: '</>; rel=preload' })
      return saying(granted('token'))(response, { headers: {}, body: '' })
    },
    'ok',
  ],
  'a body of one byte in each chunk': [(response) => oneByOne(response, granted('token').padEnd(250_000)), 'ok'],
  'a byte order mark': [saying(`\ufeff${granted('token')}`), 'ok'],
  'text in UTF-16': [
    saying(Buffer.from(granted('token'), 'utf16le'), { 'content-type': 'application/json; charset=utf-16' }),
    'unusable_answer',
  ],
  'a token in a prototype': [saying('{"__proto__":{"access_token":"token"}}'), 'unusable_answer'],
  'arrays without an end': [saying('['.repeat(200_000)), 'unusable_answer'],
  'a token with a line feed': [saying(granted('token\r\nX-Admin: yes')), 'unusable_answer'],
  'a token with NUL': [saying(granted('to\0ken')), 'unusable_answer'],
  'a token beyond ASCII': [saying(granted('tokén')), 'unusable_answer'],
  'a token with a space at its end': [saying(granted('token ')), 'unusable_answer'],
  'a token that is a list': [saying(granted(['token'])), 'unusable_answer'],
  'an echo of all that it was sent': [
    (response, { headers, body }) => {
      const authorization = headers.authorization ?? ''
      const decoded = Buffer.from(authorization.slice('Basic '.length), 'base64').toString()
      const description = `${SECRET} ${decoded} ${authorization.slice('Basic '.length)} ${authorization} ${body}`
      response.writeHead(400).end(JSON.stringify({ error: 'invalid_client', error_description: description }))
    },
    'invalid_client',
  ],
}

describe('a token endpoint that means harm', () => {
  let world: ExchangeWorld
  let endpoint: Upstream
  let proxy: ExchangingProxy
  let replies: readonly Answer[]
  let sentElsewhere = 0
  const names = Object.keys(ANSWERS)

  before(async () => {
    world = await openExchangeWorld()
    endpoint = await startUpstream(
      (request, response) => {
        if (request.headers.host?.startsWith(ELSEWHERE)) sentElsewhere++
        void text(request).then((body) => {
          const [respond] = ANSWERS[names[Number(request.url?.slice(1))] ?? ''] ?? expect.fail('an unknown path')
          return respond(response, { headers: request.headers, body })
        })
      },
      await world.authority.issue([HOST, ELSEWHERE]),
    )
    const clientSecretFile = world.write('secret', SECRET)
    const routes = names.map((_, index) => ({
      hosts: [world.hostOf(`case-${index}`)],
      audience: ['sso'],
      exchange: { ...oauth2(`https://${HOST}/${index}`), clientSecretFile },
    }))
    const ports = { [HOST]: endpoint.port, [ELSEWHERE]: endpoint.port }
    proxy = await world.start(routes, world.awsVariables, ports)
    // All at once: each waits as long as a request waits for a token.
    replies = await Promise.all(names.map((_, index) => proxy.get(`case-${index}`)))
  })
  after(async () => {
    await world.close()
    await endpoint.close()
  })

  for (const [index, [name, [, outcome]]] of Object.entries(ANSWERS).entries())
    it(`${outcome === 'ok' ? 'is understood' : `fails with ${outcome}`}: ${name}`, () => {
      const reply = replies[index]!
      if (outcome === 'ok') {
        expect(reply.status).to.equal(200)
        expect(world.seen.get(`case-${index}`)).to.include({ authorization: 'Bearer token' })
        return
      }
      const { code, meaning } = FAILURES[outcome]
      expect(errorOf(reply).code).to.equal(code)
      expect(errorOf(reply).message.startsWith(meaning), errorOf(reply).message).to.equal(true)
      expect(world.seen.has(`case-${index}`), 'a call of the partner').to.equal(false)
      for (const secret of ['correct-horse', 'correct%2Dhorse', basicCredentials(), 'eyJ'])
        expect(reply.body).not.to.contain(secret)
    })

  it('learns nothing from the log, and leads nowhere else', () => {
    for (const secret of ['correct-horse', 'correct%2Dhorse', basicCredentials(), 'eyJ'])
      expect(proxy.process.output()).not.to.contain(secret)
    expect(sentElsewhere).to.equal(0)
  })

  it('costs little memory', () => {
    const status = readFileSync(`/proc/${proxy.process.pid}/status`, 'utf8')
    const peakKiB = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1])
    expect(peakKiB / 1024, 'MiB').to.be.within(20, 160)
  })
})

describe('a client secret that cannot be sent', () => {
  const make: Readonly<Record<string, (world: ExchangeWorld) => string>> = {
    'is empty': ({ write }) => write('empty', '\n'),
    'has two lines': ({ write }) => write('lines', 'one\ntwo\n'),
    'has NUL': ({ write }) => write('nul', 'se\0cret'),
    'begins with a byte order mark': ({ write }) => write('bom', '\ufeffsecret'),
    'is not UTF-8': ({ write }) => write('latin1', Buffer.from('sécret', 'latin1')),
    'is huge': ({ write }) => {
      const path = write('huge', '')
      truncateSync(path, 4 * 1024 ** 3)
      return path
    },
    'has no end': () => '/dev/zero',
    'is a pipe': ({ write }) => {
      const path = `${write('beside', '')}.pipe`
      execFileSync('mkfifo', [path])
      return path
    },
    'is a directory': () => '/tmp',
    'is gone': () => '/nowhere/secret',
  }
  let world: ExchangeWorld
  let proxy: ExchangingProxy

  before(async () => {
    world = await openExchangeWorld()
    const routes = Object.values(make).map((file, index) => ({
      hosts: [world.hostOf(`case-${index}`)],
      audience: ['sso'],
      exchange: { ...oauth2(`https://${HOST}/`), clientSecretFile: file(world) },
    }))
    proxy = await world.start(routes, world.awsVariables)
  })
  after(() => world.close())

  for (const [index, name] of Object.keys(make).entries())
    it(`is not sent, and is said to be unreadable, when it ${name}`, async () => {
      const reply = await proxy.get(`case-${index}`)
      const { code, meaning, hint } = FAILURES.client_secret_unreadable
      expect(errorOf(reply)).to.include({ code, hint, message: meaning })
    })
})

const oauth2 = (tokenUrl: string): object => ({
  type: 'oauth2',
  grant: 'jwt-bearer',
  clientId: 'orders-1',
  clientAuth: 'basic',
  tokenUrl,
})

/** RFC 6749 §2.3.1, as oauth4webapi encodes. */
const basicCredentials = (): string =>
  Buffer.from(`orders%2D1:${SECRET.replace(/[-_.~]/g, encoded)}`)
    .toString('base64')
    .replace(/=+$/, '')

const encoded = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
