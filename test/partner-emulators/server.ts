import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { json, text } from 'node:stream/consumers'
import type { TestAuthority } from '../support/certificates.ts'
import { startUpstream } from '../support/proxy/upstream.ts'
import type { Answer, TokenRequest, Trust, Vendor } from './vendor.ts'
import { alibaba } from './vendors/alibaba.ts'
import { anthropic } from './vendors/anthropic.ts'
import { DATABRICKS, databricksAccount, databricksWorkspace } from './vendors/databricks.ts'
import { entra, graph } from './vendors/entra.ts'
import { forgerock } from './vendors/forgerock.ts'
import { googleIamCredentials, googleProjects, googleStorage, googleSts } from './vendors/google.ts'
import { kafka } from './vendors/kafka.ts'
import { keycloak } from './vendors/keycloak.ts'
import { openai, openaiApi } from './vendors/openai.ts'
import { openrouter } from './vendors/openrouter.ts'
import { partnerApi } from './vendors/partner-api.ts'
import { snowflake } from './vendors/snowflake.ts'
import { tailscale } from './vendors/tailscale.ts'
import { vault } from './vendors/vault.ts'

/** Vendors by the name of their token endpoint, and some of their APIs. */
const VENDORS: Readonly<Record<string, Vendor>> = {
  'login.microsoftonline.com': entra,
  'graph.microsoft.com': graph,
  [DATABRICKS.host]: databricksWorkspace,
  'accounts.cloud.databricks.com': databricksAccount,
  'sts.googleapis.com': googleSts,
  'iamcredentials.googleapis.com': googleIamCredentials,
  'storage.googleapis.com': googleStorage,
  'cloudresourcemanager.googleapis.com': googleProjects,
  'vault.example': vault,
  'api.anthropic.com': anthropic,
  'auth.openai.com': openai,
  'api.openai.com': openaiApi,
  'api.tailscale.com': tailscale,
  'openrouter.ai': openrouter,
  'am.partner.example': forgerock,
  'sso.partner.example': keycloak,
  'api.partner.example': partnerApi,
  'sts.aliyuncs.com': alibaba,
  // Native code does not learn names from the tests; these lead to this machine everywhere.
  'kafka.localhost': kafka,
  localhost: snowflake,
}
export const VENDOR_HOSTS = Object.keys(VENDORS)

/** A request, and what came of it. */
export interface Exchange {
  readonly host: string
  readonly request: TokenRequest
  readonly answer: Answer
}

/** Every emulated vendor, at one port; they are told apart by the host that was called. */
export interface PartnerEmulators {
  readonly port: number
  /** All so far. */
  readonly exchanges: readonly Exchange[]
  /** Requests so far, by host. */
  calls(host: string): number
  /** Answers instead of the vendors, once for each. */
  readonly instead: Answer[]
  close(): Promise<void>
}

/**
 * Starts them with a certificate of this authority.
 * @param others whom vendors at these hosts trust instead.
 */
export async function startPartnerEmulators(
  trust: Trust,
  authority: TestAuthority,
  others: Readonly<Record<string, Trust>> = {},
): Promise<PartnerEmulators> {
  const exchanges: Exchange[] = []
  const instead: Answer[] = []
  const listener = listenerOf(async (host, request) => {
    const answer = instead.shift() ?? (await answerOf(host, request, others[host] ?? trust))
    exchanges.push({ host, request, answer })
    return answer
  })
  const { port, close } = await startUpstream(listener, await authority.issue(VENDOR_HOSTS))
  return { port, exchanges, calls: (called) => exchanges.filter(({ host }) => host === called).length, instead, close }
}

/** Reads requests, and writes what they are answered with. */
export function listenerOf(answering: (host: string, request: TokenRequest) => Promise<Answer>): RequestListener {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '')
    const answer = await answering(host, await tokenRequest(request))
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.json))
  }
  return (request, response) => {
    handle(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  }
}

/** What the vendor at a host answers. */
export async function answerOf(host: string, request: TokenRequest, trust: Trust): Promise<Answer> {
  return (await VENDORS[host]?.(request, trust)) ?? { status: 404, json: {} }
}

async function tokenRequest(request: IncomingMessage): Promise<TokenRequest> {
  const { headers, url = '' } = request
  const [type] = (headers['content-type'] ?? '').split(';')
  if (type === 'application/json')
    return { path: url, headers, body: 'json', fields: (await json(request)) as TokenRequest['fields'] }
  const parameters = [...new URLSearchParams(await text(request))]
  const isForm = type === 'application/x-www-form-urlencoded'
  const fields = Object.fromEntries(isForm ? parameters : [])
  const isOnce = Object.keys(fields).length === parameters.length
  return { path: url, headers, body: isForm ? 'form' : 'none', fields: isOnce ? fields : {} }
}
