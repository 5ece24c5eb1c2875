// Partners that speak HTTP/2 and gRPC, and one behind a token endpoint. Each looks at every token that reaches it.
import { randomUUID } from 'node:crypto'
import { createSecureServer } from 'node:http2'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { RequestListener } from 'node:http'
import { text } from 'node:stream/consumers'
import { Readable, pipeline } from 'node:stream'
import type { TestAuthority } from '../support/certificates.ts'
import { createVerifier } from '../support/partner/verify.ts'
import type { Verdict } from '../support/partner/verify.ts'
import { observe, startUpstream } from '../support/proxy/upstream.ts'

export const HOSTS = {
  http2: 'modern.partner.example',
  exchanged: 'exchanged.partner.example',
  endpoint: 'login.partner.example',
} as const
/** Of the tokens that are exchanged. */
const SUBJECT_AUDIENCE = 'urn:soak:login'
const LIFE_SECONDS = 60
const PIECE = Buffer.alloc(64 * 1024, 'a')

export interface SoakPartners {
  /** Host and port of the partner that speaks HTTP/2. */
  readonly http2: string
  readonly http2Port: number
  /** The partner behind the token endpoint, as the application calls it. */
  readonly exchangedUrl: string
  /** What the proxy is told of them. */
  readonly routes: readonly object[]
  /** Whose tokens they take; they answer nothing before. */
  trust(issuer: string): void
  /** Requests that carried the right token. */
  verified(): number
  /** Tokens that were exchanged. */
  exchanged(): number
  /** What reached them that never may. */
  readonly wrongs: readonly string[]
  close(): Promise<void>
}

/**
 * @param caFile where the certificate of the authority is.
 * @param address of the partner that speaks HTTP/2.
 */
export async function startSoakPartners(
  authority: TestAuthority,
  caFile: string,
  address: string,
): Promise<SoakPartners> {
  const issuer = Promise.withResolvers<string>()
  const wrongs: string[] = []
  const issued = new Map<string, number>()
  let verified = 0
  let exchanged = 0
  const count = (where: string, verdict: Verdict): boolean => {
    if (verdict.verified) verified++
    else wrongs.push(`${where}: ${verdict.reason}`)
    return verdict.verified
  }
  const verifierOf = (audience: string): ((authorization: string | undefined) => Promise<Verdict>) => {
    const check = issuer.promise.then((url) =>
      createVerifier({ issuer: url, jwksUri: `${url}/.well-known/jwks.json`, audience }),
    )
    return async (authorization) => (await check)({ headers: authorization === undefined ? {} : { authorization } })
  }
  const verifyHttp2 = verifierOf(`https://${HOSTS.http2}`)
  const verifySubject = verifierOf(SUBJECT_AUDIENCE)
  const http2 = await startEcho(authority, address, async ({ authorization }) =>
    count('HTTP/2', await verifyHttp2(authorization)),
  )
  const login: RequestListener = (request, response) => {
    void text(request).then(async (form) => {
      const token = `soak-${randomUUID()}`
      if (
        !count('the token endpoint', await verifySubject(`Bearer ${new URLSearchParams(form).get('subject_token')}`))
      ) {
        response.writeHead(400).end('{"error":"invalid_grant"}')
        return
      }
      exchanged++
      issued.set(token, Date.now() + LIFE_SECONDS * 1000)
      response.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: LIFE_SECONDS }))
    })
  }
  const serve: RequestListener = (request, response) => {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const isSound = (issued.get(token) ?? 0) > Date.now()
    if (isSound) verified++
    else wrongs.push(`a token that the endpoint has ${issued.has(token) ? 'ended' : 'not issued'}`)
    response.writeHead(isSound ? 200 : 401).end()
  }
  const https = await startUpstream(
    (request, response) => (request.url === '/token' ? login : serve)(request, response),
    await authority.issue([HOSTS.exchanged, HOSTS.endpoint]),
  )
  const tokenUrl = `https://${HOSTS.endpoint}:${https.port}/token`
  return {
    http2: `${HOSTS.http2}:${http2.port}`,
    http2Port: http2.port,
    exchangedUrl: `http://${HOSTS.exchanged}:${https.port}/`,
    routes: [
      { hosts: [`${HOSTS.http2}:${http2.port}`], durationSeconds: LIFE_SECONDS, https: 'intercept', caFile },
      {
        hosts: [`${HOSTS.exchanged}:${https.port}`],
        audience: [SUBJECT_AUDIENCE],
        caFile,
        exchange: { type: 'oauth2', tokenUrl, grant: 'token-exchange', caFile },
      },
    ],
    trust: issuer.resolve,
    verified: () => verified,
    exchanged: () => exchanged,
    wrongs,
    close: async () => {
      await Promise.all([http2.close(), https.close()])
    },
  }
}

/** Says what it hears, with the trailer of a call of gRPC that succeeds; `x-bytes` asks for that many bytes instead. */
async function startEcho(
  authority: TestAuthority,
  address: string,
  isSound: (headers: IncomingHttpHeaders) => Promise<boolean>,
): ReturnType<typeof observe> {
  const server = createSecureServer(await authority.issue([HOSTS.http2]))
  server.on('sessionError', () => undefined)
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    // Streams that are given up end with an error nobody waits for.
    stream.on('error', () => undefined)
    void isSound(headers).then((sound) => {
      if (stream.destroyed) return
      const type = headers['content-type'] ?? 'text/plain'
      stream.respond(
        { ':status': sound ? 200 : 401, 'content-type': type },
        { endStream: !sound, waitForTrailers: sound },
      )
      if (!sound) return
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      const bytes = Number(headers['x-bytes'] ?? 0)
      // In pieces: a large one that is given up counts against the memory of its connection for good, in Node.
      const pieces = Array.from({ length: bytes / PIECE.length }, () => PIECE)
      pipeline(bytes > 0 ? Readable.from(pieces) : stream, stream, () => undefined)
    })
  })
  return observe(server, { host: address, port: 0 })
}
