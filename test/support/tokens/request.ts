import type { TokenRequest } from '../../../proxy/src/tokens/token-request.ts'
import { tokenRequest } from '../../../proxy/src/tokens/token-request.ts'

/** A request for the token of one partner. */
export function requestFor(fields: Partial<Omit<TokenRequest, 'key'>> = {}): TokenRequest {
  return tokenRequest({
    audience: ['https://api.partner.example'],
    signingAlgorithm: 'RS256',
    durationSeconds: 900,
    tags: {},
    route: 'partner',
    ...fields,
  })
}
