import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Account } from './account/account.ts'
import { createArns } from './account/arns.ts'
import { createOutboundIssuer } from './account/issuer.ts'
import type { KeyRotation } from './account/keys.ts'
import type { EmulatorState } from './account/state.ts'
import { createState } from './account/state.ts'
import { PREFIX, adminRoutes, answerAdmin } from './admin/admin.ts'
import type { RecordedCall } from './admin/calls.ts'
import { createCallLog } from './admin/calls.ts'
import type { ServiceAccountTokenRequest } from './clusters/fake-cluster.ts'
import { createFakeCluster, parseTokenRequest } from './clusters/fake-cluster.ts'
import { publicDocuments } from './documents.ts'
import type { Fault } from './faults/fault.ts'
import { createFaultPlan } from './faults/plan.ts'
import { transmit } from './faults/transmit.ts'
import type { Incoming } from './http/incoming.ts'
import { readRequest } from './http/incoming.ts'
import { json } from './http/reply.ts'
import type { Role } from './iam/role.ts'
import { createRoles } from './iam/role.ts'
import type { EmulatorOptions } from './options.ts'
import type { PodIdentityAssociation } from './pod-identity/associations.ts'
import { createAssociations } from './pod-identity/associations.ts'
import type { Served } from './service.ts'
import { POD_IDENTITY_PATH, serve } from './service.ts'
import { createSessions } from './sts/sessions.ts'

export interface Emulator {
  /** Base URL, without a trailing slash. */
  readonly url: string
  /** Value for AWS_ENDPOINT_URL_STS. */
  readonly stsUrl: string
  /** Value for AWS_CONTAINER_CREDENTIALS_FULL_URI. */
  readonly podIdentityUrl: string
  /** Issuer of the tokens that GetWebIdentityToken mints. */
  readonly issuer: string
  /** Makes a projected service account token of the emulator's own cluster. */
  mintServiceAccountToken(request: ServiceAccountTokenRequest): Promise<string>
  /** Every call so far. */
  calls(): readonly RecordedCall[]
  clearCalls(): void
  /** Replaces all faults. @throws TypeError that names what is wrong with them. */
  setFaults(faults: readonly Fault[]): void
  state(): EmulatorState
  /** Changes the fields that are given. @throws TypeError that names what is wrong with them. */
  setState(change: Partial<EmulatorState>): void
  /** Switches outbound identity federation; short for `setState({ federationEnabled })`. */
  setFederation(enabled: boolean): void
  /** Replaces all roles; their sessions live on. @throws TypeError that names what is wrong with them. */
  setRoles(roles: readonly Role[]): void
  /** Replaces all. @throws TypeError that names what is wrong with them. */
  setPodIdentityAssociations(associations: readonly PodIdentityAssociation[]): void
  /** New keys for the account's issuer. */
  rotateKeys(rotation?: KeyRotation): Promise<void>
  /** State, roles and associations as at the start; no faults, no calls. Keys and sessions stay. */
  reset(): void
  close(): Promise<void>
}

/** Mints tokens of the emulator's own cluster. */
const TOKEN_PATH = '/_cluster/token'

const DEFAULT_STATE: EmulatorState = {
  federationEnabled: true,
  propagationSeconds: 0,
  clockOffsetSeconds: 0,
  discoveryProfile: 2026,
  sessionSeconds: 3600,
}

/** Starts STS, the account's OIDC issuer, the Pod Identity endpoint and a fake cluster on one port of plain HTTP. */
export async function createEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { accountId, region, host = '127.0.0.1', port = 0, now = Date.now, organization } = options
  const state = createState({ ...DEFAULT_STATE, ...options.state }, now)
  const roles = createRoles(accountId, options.roles)
  const associations = createAssociations(options.podIdentityAssociations ?? [])
  const server = createServer()
  server.listen(port, host)
  await once(server, 'listening')
  const url = options.baseUrl ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer = await createOutboundIssuer(`${url}/_issuer/${accountId}`)
  const cluster = await createFakeCluster(`${url}/_cluster`, state.now)
  const account: Account = {
    accountId,
    region,
    organization,
    arns: createArns(accountId, region),
    roles,
    clusters: [cluster, ...(options.clusters ?? [])],
    sessions: createSessions(),
    issuer,
    state,
  }
  const calls = createCallLog()
  const faults = createFaultPlan(now)
  const reset = (): void => {
    state.reset()
    roles.set(options.roles)
    associations.set(options.podIdentityAssociations ?? [])
    faults.set([])
    calls.clear()
  }
  const service = { account, associations, documents: publicDocuments(issuer, cluster, state), faults, calls }
  const admin = {
    ...adminRoutes({ calls, faults, state, roles, associations, issuer, reset }),
    [`POST ${TOKEN_PATH}`]: async (body: unknown) => ({ token: await cluster.mint(parseTokenRequest(body)) }),
  }
  const respond = async (incoming: Incoming | undefined): Promise<Served> => {
    if (!incoming) return { reply: json(413, { error: 'the body is too large' }) }
    const { path } = incoming
    const isAdmin = path.startsWith(PREFIX) || path === TOKEN_PATH
    return isAdmin ? { reply: await answerAdmin(incoming, admin) } : serve(incoming, service)
  }
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const incoming = await readRequest(request)
    const { reply, fault } = await respond(incoming)
    // Clients correct their clock by this header, so it must be the emulator's time.
    const skewMs = fault?.kind === 'date' ? fault.seconds * 1000 : 0
    response.setHeader('date', new Date(state.now() + skewMs).toUTCString())
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
    podIdentityUrl: `${url}${POD_IDENTITY_PATH}`,
    issuer: issuer.issuer,
    mintServiceAccountToken: cluster.mint,
    calls: calls.list,
    clearCalls: calls.clear,
    setFaults: faults.set,
    state: state.get,
    setState: state.set,
    setFederation: (federationEnabled) => state.set({ federationEnabled }),
    setRoles: roles.set,
    setPodIdentityAssociations: associations.set,
    rotateKeys: issuer.rotate,
    reset,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
