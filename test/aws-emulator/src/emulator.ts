import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FakeCluster, ServiceAccountTokenRequest } from './cluster.ts'
import { createFakeCluster } from './cluster.ts'
import type { OutboundIssuer } from './issuer.ts'
import { createOutboundIssuer } from './issuer.ts'
import type { EmulatorOptions } from './options.ts'
import { createSessions } from './sts/sessions.ts'
import type { RecordedCall, StsDeps } from './sts/sts.ts'
import { answerSts } from './sts/sts.ts'

export interface Emulator {
  /** Base URL, without a trailing slash. */
  readonly url: string
  /** Value for AWS_ENDPOINT_URL_STS. */
  readonly stsUrl: string
  /** Issuer of the tokens that GetWebIdentityToken mints. */
  readonly issuer: string
  /** Makes a projected service account token of the emulator's own cluster. */
  mintServiceAccountToken(request: ServiceAccountTokenRequest): Promise<string>
  /** Every STS call so far. */
  calls(): readonly RecordedCall[]
  setFederation(enabled: boolean): void
  close(): Promise<void>
}

/** Largest body read, in bytes; STS's own limit is far below. */
const LARGEST_BODY = 256 * 1024

/** Starts STS, the account's OIDC issuer and a fake cluster on one port of plain HTTP. */
export async function createEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { accountId, host = '127.0.0.1', port = 0, now = Date.now } = options
  const server = createServer()
  server.listen(port, host)
  await once(server, 'listening')
  const url = options.baseUrl ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer = await createOutboundIssuer(`${url}/_issuer/${accountId}`)
  const cluster = await createFakeCluster(`${url}/_cluster`, now)
  const calls: RecordedCall[] = []
  let federationEnabled = true
  const sts: StsDeps = {
    accountId,
    region: options.region,
    roles: options.roles,
    clusters: [cluster, ...(options.clusters ?? [])],
    sessions: createSessions(),
    sessionSeconds: options.sessionSeconds ?? 3600,
    issuer,
    now,
    federationEnabled: () => federationEnabled,
    record: (call) => calls.push(call),
  }
  const documents = publicDocuments(issuer, cluster, accountId)
  server.on('request', (request, response) => {
    // Clients correct their clock by this header, so it must be the emulator's time.
    response.setHeader('date', new Date(now()).toUTCString())
    void answer(request, sts, documents, calls).then(
      ({ status, body, contentType }) => response.writeHead(status, { 'content-type': contentType }).end(body),
      (error: unknown) => response.writeHead(500, { 'content-type': 'text/plain' }).end(`emulator: ${String(error)}\n`),
    )
  })
  return {
    url,
    stsUrl: url,
    issuer: issuer.issuer,
    mintServiceAccountToken: cluster.mint,
    calls: () => calls,
    setFederation: (enabled) => {
      federationEnabled = enabled
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Reply {
  readonly status: number
  readonly body: string
  readonly contentType: string
}

type Documents = Readonly<Record<string, () => Promise<unknown>>>

function publicDocuments(issuer: OutboundIssuer, cluster: FakeCluster, accountId: string): Documents {
  const path = `/_issuer/${accountId}/.well-known`
  return {
    [`${path}/openid-configuration`]: () => Promise.resolve(issuer.discovery),
    [`${path}/jwks.json`]: () => Promise.resolve(issuer.jwks),
    '/_cluster/keys': cluster.jwks,
  }
}

async function answer(
  request: IncomingMessage,
  sts: StsDeps,
  documents: Documents,
  calls: readonly RecordedCall[],
): Promise<Reply> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  if (request.method === 'POST' && path === '/') {
    const body = await readBody(request)
    const reply = await answerSts({ method: 'POST', path, headers: request.headers, body }, sts)
    return { ...reply, contentType: 'text/xml' }
  }
  const document = Object.hasOwn(documents, path) ? documents[path] : undefined
  if (document) return json(200, await document())
  if (path === '/_admin/calls') return json(200, calls)
  if (path === '/_admin/ready') return json(200, { ready: true })
  return json(404, {
    error: `no ${path}`,
    paths: ['POST /', '/_admin/calls', '/_admin/ready', ...Object.keys(documents)],
  })
}

const json = (status: number, value: unknown): Reply => ({
  status,
  body: JSON.stringify(value),
  contentType: 'application/json',
})

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > LARGEST_BODY) throw new Error('the body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
