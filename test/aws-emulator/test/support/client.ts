import {
  AssumeRoleWithWebIdentityCommand,
  GetWebIdentityTokenCommand,
  STSClient,
  STSServiceException,
} from '@aws-sdk/client-sts'
import type { GetWebIdentityTokenCommandInput } from '@aws-sdk/client-sts'
import type { Emulator } from '../../src/index.ts'

export const ROLE = 'arn:aws:iam::123456789012:role/team/orders'
export const ACCOUNT = '123456789012'
export const REGION = 'eu-central-1'
export const AUDIENCE = 'https://api.partner.example'

export interface AssumeOptions {
  readonly roleArn?: string
  /** Default: a token of `shop/orders` in the emulator's own cluster. */
  readonly token?: string
  readonly sessionName?: string
  readonly systemClockOffset?: number
}

/** The official SDK with the credentials of an assumed role. It does not retry. */
export async function assumedRole(emulator: Emulator, options: AssumeOptions = {}): Promise<STSClient> {
  const { roleArn = ROLE, sessionName = 'shop.orders', systemClockOffset = 0 } = options
  const token =
    options.token ?? (await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' }))
  const settings = { region: REGION, endpoint: emulator.stsUrl, maxAttempts: 1, systemClockOffset }
  const anonymous = new STSClient({ ...settings, credentials: { accessKeyId: 'none', secretAccessKey: 'none' } })
  const { Credentials } = await anonymous.send(
    new AssumeRoleWithWebIdentityCommand({
      RoleArn: roleArn,
      RoleSessionName: sessionName,
      WebIdentityToken: token,
    }),
  )
  const {
    AccessKeyId: accessKeyId = '',
    SecretAccessKey: secretAccessKey = '',
    SessionToken: sessionToken = '',
  } = Credentials ?? {}
  return new STSClient({ ...settings, credentials: { accessKeyId, secretAccessKey, sessionToken } })
}

export const mint = (fields: Partial<GetWebIdentityTokenCommandInput> = {}): GetWebIdentityTokenCommand =>
  new GetWebIdentityTokenCommand({ Audience: [AUDIENCE], SigningAlgorithm: 'RS256', DurationSeconds: 900, ...fields })

/** Runs what must fail. @returns `<wire code>: <message> (<status>)` of an answer, else the error as text. */
export async function refusal(run: () => Promise<unknown>): Promise<string> {
  try {
    await run()
  } catch (error) {
    if (error instanceof STSServiceException)
      return `${error.name}: ${error.message} (${error.$metadata.httpStatusCode ?? 0})`
    const { $metadata } = error as { $metadata?: { httpStatusCode?: number } }
    return `${String(error)} (${$metadata?.httpStatusCode ?? 0})`
  }
  throw new Error('it did not fail')
}
