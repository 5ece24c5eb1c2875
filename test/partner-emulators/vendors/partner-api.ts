import { answerTo } from '../vendor.ts'
import type { Vendor } from '../vendor.ts'

/** An API behind AM, and one behind Keycloak: each takes what its own server issues. */
export const partnerApi: Vendor = ({ path, headers }) =>
  Promise.resolve(answerTo(headers.authorization, path.startsWith('/forgerock/') ? 'Bearer am-' : 'Bearer kc-'))
