// The only file that uses the AWS SDK, which is loaded with the first call: it costs as much as the rest of the process.
import type { STSClient } from '@aws-sdk/client-sts'
import { TokenFailure } from './failures.ts'
import { createMinter } from './mint.ts'
import type { MinterDeps, StsPort } from './mint.ts'
import type { TokenSource } from './source.ts'

export interface StsSourceOptions extends Omit<MinterDeps, 'sts'> {
  /**
   * The process's environment, for the region and to tell whether there are credential variables. The SDK reads the rest of it by itself, from
   * `process.env`: AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE, AWS_CONTAINER_*, AWS_ENDPOINT_URL_STS and the others it documents.
   */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Names the AWS session; see `roleSessionName`. */
  readonly sessionName: string
}

/**
 * Tokens from STS GetWebIdentityToken, with the SDK's default credential chain.
 * The region is AWS_REGION, else AWS_DEFAULT_REGION, which this SDK alone would ignore; its endpoints are always regional.
 */
export function createStsSource({ environment, sessionName, ...deps }: StsSourceOptions): TokenSource {
  return createMinter({ ...deps, sts: createStsPort(environment, sessionName) })
}

/** Any of these promises credentials; with none of them a pod has none. */
const CREDENTIAL_VARIABLES = [
  'AWS_ROLE_ARN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_ACCESS_KEY_ID',
  'AWS_PROFILE',
]

/** Without `throwOnRequestTimeout` the SDK only warns. `socketTimeout` covers an answer that stops halfway. */
const TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 3_000, socketTimeout: 3_000, throwOnRequestTimeout: true }

function createStsPort(environment: StsSourceOptions['environment'], sessionName: string): StsPort {
  let client: Promise<STSClient> | undefined
  const hasCredentialVariable = CREDENTIAL_VARIABLES.some((name) => (environment[name] ?? '') !== '')

  return {
    session: async (renew, signal) => {
      const sts = await (client ??= createClient(environment, sessionName))
      try {
        const { expiration } = await unlessAborted(sts.config.credentials({ forceRefresh: renew }), signal)
        const endsWallMs = expiration && expiration.getTime() - sts.config.systemClockOffset
        return { endsWallMs }
      } catch (error) {
        if (signal.aborted) {
          // The SDK's providers have no signal, and later calls would join the one that hangs.
          sts.destroy()
          client = undefined
        }
        if (isNothingFound(error) && !hasCredentialVariable) throw new TokenFailure('no_credentials')
        throw error
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
      const sts = await (client ??= createClient(environment, sessionName))
      const { WebIdentityToken, Expiration } = await sts.send(command, { abortSignal: signal })
      return { jwt: WebIdentityToken, expiresMs: Expiration?.getTime() }
    },
  }
}

async function createClient(environment: StsSourceOptions['environment'], roleSessionName: string): Promise<STSClient> {
  const { STSClient } = await import('@aws-sdk/client-sts')
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
  const region = environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION']
  return new STSClient({
    ...(region !== undefined && { region }),
    requestHandler: TIMEOUTS,
    // The default chain, named explicitly only to give its sessions a name.
    credentials: defaultProvider({ ...(environment['AWS_ROLE_SESSION_NAME'] === undefined && { roleSessionName }) }),
  })
}

function isNothingFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'CredentialsProviderError'
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
