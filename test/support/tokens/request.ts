import type { AwsTokenSpec } from '../../../proxy/src/tokens/sources/aws/mint.ts'
import type { TokenRequest } from '../../../proxy/src/tokens/token-request.ts'
import { tokenRequest } from '../../../proxy/src/tokens/token-request.ts'

/** A request for the token of one partner. */
export function requestFor({
  route = 'partner',
  ...spec
}: Partial<AwsTokenSpec & { route: string }> = {}): TokenRequest {
  return tokenRequest(route, {
    source: 'aws',
    audience: ['https://api.partner.example'],
    signingAlgorithm: 'RS256',
    durationSeconds: 900,
    tags: {},
    ...spec,
  })
}
