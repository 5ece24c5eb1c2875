// What applications send over TLS that the proxy ends: https:// URLs, HTTP/2, gRPC, and what comes of giving up.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { constants } from 'node:http2'
import { request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { status } from '@grpc/grpc-js'
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js'
import { ECHO } from '../support/proxy/grpc-partner.ts'
import { open, secureHttp2 } from '../support/proxy/http2-client.ts'
import { secureThrough } from '../support/proxy/interception.ts'
import { readAll } from '../support/proxy/tunnel.ts'
import { PARTNER_HOST } from '../support/stack/stack.ts'
import type { Kind } from './traffic.ts'
import type { Soak } from './world.ts'

const OK = /^HTTP\/1\.1 200 /
const bytesOf = (message: Buffer): Buffer => message

/** As `KINDS` of plain requests. */
export const SECURE_KINDS: Readonly<Record<string, Kind>> = {
  'get of an https:// URL': async ({ proxyPort, partner, anchor }) => {
    const secure = await secureThrough(proxyPort, `${PARTNER_HOST}:${partner.port}`, { ca: anchor })
    secure.write(`GET / HTTP/1.1\r\nHost: ${PARTNER_HOST}:${partner.port}\r\nConnection: close\r\n\r\n`)
    const answer = await readAll(secure)
    if (!OK.test(answer)) throw new Error(`answered with ${JSON.stringify(answer.slice(0, 300))}`)
  },
  'abandoned TLS connection': async ({ proxyPort, partner, anchor }) => {
    const secure = await secureThrough(proxyPort, `${PARTNER_HOST}:${partner.port}`, { ca: anchor })
    secure.write(`POST / HTTP/1.1\r\nHost: ${PARTNER_HOST}:${partner.port}\r\nContent-Length: 9999\r\n\r\nhalf`)
    await new Promise((resolve) => setImmediate(resolve))
    secure.destroy()
  },
  'steered get': async (soak) => {
    if (!soak.isSteered) return
    const { partner, anchor } = soak
    const outgoing = request({
      host: '127.0.0.1',
      port: partner.port,
      servername: PARTNER_HOST,
      headers: { host: `${PARTNER_HOST}:${partner.port}` },
      ca: anchor,
      agent: false,
    })
    outgoing.end()
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    const answer = await text(response)
    if (response.statusCode !== 200) throw new Error(`answered with ${String(response.statusCode)}: ${answer}`)
  },
  'HTTP/2: 200 KB there and back': async (soak) => {
    const session = await secureHttp2(soak.proxyPort, soak.partners.http2, soak.anchor)
    const body = randomBytes(100_000).toString('hex')
    const { stream, done } = open(session, { ':path': '/', ':method': 'POST' }, { endStream: false })
    stream.end(body)
    const answer = await done
    session.destroy()
    if (answer.status !== 200 || answer.body !== body || answer.trailers['grpc-status'] !== '0')
      throw new Error(
        `came back as ${answer.status}, ${answer.body.length} bytes, code ${answer.rstCode}: ${answer.body.slice(0, 300)}`,
      )
  },
  'HTTP/2: one of two streams given up': async (soak) => {
    const session = await secureHttp2(soak.proxyPort, soak.partners.http2, soak.anchor)
    const { stream, done: given } = open(session, { ':path': '/', 'x-bytes': `${5 << 20}` })
    await once(stream, 'response')
    stream.close(constants.NGHTTP2_CANCEL)
    const { status: answered, body } = await open(session, { ':path': '/' }).done
    await given
    session.destroy()
    if (answered !== 200) throw new Error(`the other stream was answered with ${answered}: ${body}`)
  },
  'gRPC: one message': ({ grpc }) => {
    const message = randomBytes(1_000)
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: Buffer): void => {
        if (error) reject(error)
        else if (answer?.equals(message)) resolve()
        else reject(new Error('another message came back'))
      }
      grpc.makeUnaryRequest(ECHO.unary.path, bytesOf, bytesOf, message, done)
    })
  },
  'gRPC: a conversation': async (soak) => {
    const call = converse(soak)
    for (let turn = 0; turn < 10; turn++) {
      const message = randomBytes(2_000)
      call.write(message)
      const [answer] = (await once(call, 'data')) as [Buffer]
      if (!answer.equals(message)) throw new Error('another message came back')
    }
    call.end()
    const [end] = (await once(call, 'status')) as [{ readonly code: status }]
    if (end.code !== status.OK) throw new Error(`ended with code ${end.code}`)
  },
  'gRPC: a conversation given up': async (soak) => {
    const call = converse(soak)
    const ended = new Promise<status>((resolve) => call.on('status', ({ code }) => resolve(code)))
    call.write(randomBytes(2_000))
    await once(call, 'data')
    // It ends with an error that is no surprise.
    call.on('error', () => undefined).cancel()
    const code = await ended
    if (code !== status.CANCELLED) throw new Error(`ended with code ${code}`)
  },
}

const converse = ({ grpc }: Soak): ClientDuplexStream<Buffer, Buffer> =>
  grpc.makeBidiStreamRequest(ECHO.bidi.path, bytesOf, bytesOf)
