import type { AwsTokenSpec } from '../../../proxy/src/tokens/sources/aws/mint.ts'
import type { TokenRequest } from '../../../proxy/src/tokens/token-request.ts'
import { subjectOf } from '../../../proxy/src/tokens/sources.ts'
import { tokenRequest } from '../../../proxy/src/tokens/token-request.ts'

type AwsRequest = TokenRequest & { readonly spec: AwsTokenSpec }

/** A request for the token of one partner. */
export function requestFor({ route = 'partner', ...spec }: Partial<AwsTokenSpec & { route: string }> = {}): AwsRequest {
  const request: AwsTokenSpec = {
    source: 'aws',
    audience: ['https://api.partner.example'],
    signingAlgorithm: 'RS256',
    durationSeconds: 900,
    tags: {},
    ...spec,
  }
  return { ...tokenRequest(route, request), spec: request }
}

/** @returns the audience of the token that AWS or the cluster signs. */
export const audienceOf = ({ spec }: Pick<TokenRequest, 'spec'>): readonly string[] => subjectOf(spec).audience
