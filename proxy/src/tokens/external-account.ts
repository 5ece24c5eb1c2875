import type { SdkChoice } from '../contract.ts'

/**
 * @param tokenFile path of the token.
 * @returns what GOOGLE_APPLICATION_CREDENTIALS names: how Google's libraries exchange the token in the file. No secret is in it.
 * Source: https://google.aip.dev/auth/4117.
 */
export function externalAccount(
  { audience, serviceAccount, lifetimeSeconds }: NonNullable<SdkChoice['google']>,
  tokenFile: string,
): string {
  return JSON.stringify({
    type: 'external_account',
    audience,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: 'https://sts.googleapis.com/v1/token',
    credential_source: { file: tokenFile },
    universe_domain: 'googleapis.com',
    ...(serviceAccount !== undefined && {
      service_account_impersonation_url: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${serviceAccount}:generateAccessToken`,
      ...(lifetimeSeconds !== undefined && {
        service_account_impersonation: { token_lifetime_seconds: lifetimeSeconds },
      }),
    }),
  })
}
