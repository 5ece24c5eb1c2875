// The only file that uses the AWS SDK, which is loaded with the first call: it costs as much as the rest of the process.
import type { Agent as HttpAgent } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import type { STSClient } from '@aws-sdk/client-sts'
import { TokenFailure } from '../../failures.ts'
import { credentialSource, regionOf } from './credentials.ts'
import type { Environment } from './credentials.ts'
import type { StsPort } from './mint.ts'

export interface Sts extends StsPort {
  /** @returns the ARN of the caller. Needs no permission. */
  callerIdentity(signal: AbortSignal): Promise<string>
  /** @returns STS's clock minus this machine's, by the `Date` of its last answer, which refusals have as well; undefined without one. */
  clockSkewMs(): number | undefined
}

export interface StsOptions {
  /**
   * The process's environment, for the region and to tell where credentials come from. The SDK reads the rest of it by itself, from
   * `process.env`: AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE, AWS_CONTAINER_*, AWS_ENDPOINT_URL_STS and the others it documents.
   */
  readonly environment: Environment
  /** Names the AWS session; 2 to 64 characters. */
  readonly sessionName: string
  /** How connections to STS leave the pod. Default: directly. Those to agents for credentials in the node or the pod always are. */
  readonly agents?: { readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent } | undefined
}

/** Less than an attempt to mint may take, so that it can still say where the time went. */
const SESSION_WAIT_MS = 6_000
const NO_ANSWER = new Error('no credentials within 6 s')

/** Without `throwOnRequestTimeout` the SDK only warns. `socketTimeout` covers an answer that stops halfway. */
const TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 3_000, socketTimeout: 3_000, throwOnRequestTimeout: true }
/** By an egress proxy, which looks the name up and connects in its turn. */
const PROXIED = { ...TIMEOUTS, connectionTimeout: 2_500 }

/** STS by the SDK, with the credentials of its default chain; its endpoints are always regional. */
export function createSts(options: StsOptions): Sts {
  const { environment } = options
  let client: Promise<STSClient> | undefined
  let skewMs: number | undefined
  const credentials = credentialSource(environment)
  const ofAgent = credentials === 'EKS Pod Identity'
  const load = (): Promise<STSClient> =>
    (client ??= createClient(options, ofAgent).then((made) => {
      observeDates(made, (ms) => (skewMs = ms))
      return made
    }))

  /** @returns why there are no credentials: the SDK's chain tells only why its last link has none. */
  function reasonOf(error: unknown): unknown {
    if (error === NO_ANSWER)
      return new TokenFailure(ofAgent ? 'credentials_unreachable' : 'sts_timeout', NO_ANSWER.message)
    if (!isNothingFound(error)) return error
    if (credentials === undefined) return new TokenFailure('no_credentials')
    return ofAgent ? reasonOfAgent(error) : error
  }

  return {
    session: async (renew, signal) => {
      const loading = load()
      const sts = await loading
      const limit = AbortSignal.any([signal, AbortSignal.timeout(SESSION_WAIT_MS)])
      try {
        const { expiration } = await unlessAborted(sts.config.credentials({ forceRefresh: renew }), limit)
        return { endsWallMs: expiration && expiration.getTime() - sts.config.systemClockOffset }
      } catch (error) {
        // The SDK's providers have no signal, and later calls would join the one that hangs. A renewal that hangs leaves the present session usable.
        if (limit.aborted && !renew && client === loading) client = undefined
        throw await reasonOf(limit.aborted && !signal.aborted ? NO_ANSWER : error)
      }
    },
    getWebIdentityToken: async ({ audience, signingAlgorithm, durationSeconds, tags }, signal) => {
      const { GetWebIdentityTokenCommand } = await import('@aws-sdk/client-sts')
      const command = new GetWebIdentityTokenCommand({
        Audience: [...audience],
        SigningAlgorithm: signingAlgorithm,
        DurationSeconds: durationSeconds,
        Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      })
      const sts = await load()
      const { WebIdentityToken, Expiration } = await sts.send(command, { abortSignal: signal })
      return {
        jwt: WebIdentityToken,
        expiresMs: Expiration?.getTime(),
        clockOffsetMs: sts.config.systemClockOffset,
      }
    },
    callerIdentity: async (signal) => {
      const { GetCallerIdentityCommand } = await import('@aws-sdk/client-sts')
      const sts = await load()
      const { Arn = '' } = await sts.send(new GetCallerIdentityCommand({}), { abortSignal: signal })
      return Arn
    },
    clockSkewMs: () => skewMs,
  }
}

/** Calls for a session go through the same handler: the SDK hands it on to the client that it makes for them. */
function observeDates({ config: { requestHandler } }: STSClient, observe: (skewMs: number) => void): void {
  const handle = requestHandler.handle.bind(requestHandler)
  requestHandler.handle = async (request, options) => {
    const answer = await handle(request, options)
    const { headers } = answer.response as { readonly headers: Readonly<Record<string, string>> }
    const dateMs = Date.parse(headers['date'] ?? '')
    if (!Number.isNaN(dateMs)) observe(dateMs - Date.now())
    return answer
  }
}

async function createClient(
  { environment, sessionName: roleSessionName, agents }: StsOptions,
  ofAgent: boolean,
): Promise<STSClient> {
  const { STSClient } = await import('@aws-sdk/client-sts')
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
  const region = regionOf(environment)?.name
  return new STSClient({
    ...(region !== undefined && { region }),
    requestHandler: agents ? { ...PROXIED, ...agents } : TIMEOUTS,
    // The default chain, named explicitly to give its sessions a name, and to fail soon: requests that wait are told why, and we ask again.
    credentials: defaultProvider({
      roleSessionName,
      ...(ofAgent && { maxRetries: 0 }),
    }),
  })
}

function isNothingFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'CredentialsProviderError'
}

/** Asks the agent of Pod Identity once more, for its own answer. */
async function reasonOfAgent(otherwise: unknown): Promise<unknown> {
  const { fromHttp } = await import('@aws-sdk/credential-provider-http')
  return fromHttp({ maxRetries: 0 })().then(
    () => otherwise,
    (error: unknown) => error,
  )
}

/** @throws the signal's reason as soon as it aborts. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
