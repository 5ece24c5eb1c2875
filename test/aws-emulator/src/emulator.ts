import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { adminRoutes, answerAdmin } from './admin.ts'
import type { RecordedCall } from './calls.ts'
import { createCallLog } from './calls.ts'
import type { FakeCluster, ServiceAccountTokenRequest } from './cluster.ts'
import { createFakeCluster } from './cluster.ts'
import type { Fault } from './faults/fault.ts'
import { createFaultPlan } from './faults/plan.ts'
import { transmit } from './faults/transmit.ts'
import { readRequest } from './http/incoming.ts'
import type { OutboundIssuer } from './issuer.ts'
import { createOutboundIssuer } from './issuer.ts'
import type { KeyRotation } from './keys.ts'
import type { EmulatorOptions } from './options.ts'
import type { PublicDocument } from './service.ts'
import { serve } from './service.ts'
import { createSessions } from './sts/sessions.ts'
import type { StsDeps } from './sts/sts.ts'

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
  clearCalls(): void
  /** Replaces all faults. @throws TypeError that names what is wrong with them. */
  setFaults(faults: readonly Fault[]): void
  /** New keys for the account's issuer. */
  rotateKeys(rotation?: KeyRotation): Promise<void>
  setFederation(enabled: boolean): void
  close(): Promise<void>
}

/** Starts STS, the account's OIDC issuer and a fake cluster on one port of plain HTTP. */
export async function createEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { accountId, host = '127.0.0.1', port = 0, now = Date.now } = options
  const server = createServer()
  server.listen(port, host)
  await once(server, 'listening')
  const url = options.baseUrl ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer = await createOutboundIssuer(`${url}/_issuer/${accountId}`)
  const cluster = await createFakeCluster(`${url}/_cluster`, now)
  const calls = createCallLog()
  const faults = createFaultPlan(now)
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
  }
  const service = { sts, documents: publicDocuments(issuer, cluster), faults, calls }
  const admin = adminRoutes({ calls, faults })
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const incoming = await readRequest(request)
    const { reply, fault } = incoming.path.startsWith('/_admin')
      ? { reply: await answerAdmin(incoming, admin) }
      : await serve(incoming, service)
    // Clients correct their clock by this header, so it must be the emulator's time.
    const skewMs = fault?.kind === 'date' ? fault.seconds * 1000 : 0
    response.setHeader('date', new Date(now() + skewMs).toUTCString())
    await transmit(reply, fault, response)
  }
  server.on('request', (request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' })
      response.end(`emulator: ${String(error)}\n`)
    })
  })
  return {
    url,
    stsUrl: url,
    issuer: issuer.issuer,
    mintServiceAccountToken: cluster.mint,
    calls: calls.list,
    clearCalls: calls.clear,
    setFaults: faults.set,
    rotateKeys: issuer.rotate,
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

function publicDocuments(issuer: OutboundIssuer, cluster: FakeCluster): Readonly<Record<string, PublicDocument>> {
  const path = new URL(issuer.issuer).pathname
  return {
    [`${path}/.well-known/openid-configuration`]: {
      operation: 'Discovery',
      read: () => Promise.resolve(issuer.discovery),
    },
    [`${path}/.well-known/jwks.json`]: { operation: 'Jwks', read: () => Promise.resolve(issuer.jwks()) },
    '/_cluster/keys': { operation: 'ClusterJwks', read: cluster.jwks },
  }
}
