import { ANNOTATIONS } from './annotations/target.ts'
import { EXCHANGE_ANSWERS } from './exchanges/target.ts'
import { INTERCEPTION } from './interception/target.ts'
import type { FuzzKind } from './kind.ts'
import { POLICY } from './policy/target.ts'
import { REQUESTS } from './requests/target.ts'
import { REVIEWS } from './reviews/target.ts'
import { credentials } from './sts/credentials.ts'
import { STS } from './sts/target.ts'
import { TOKEN_FILES } from './token-files/target.ts'
import { TUNNELS } from './tunnels/target.ts'

/** Every door through which something untrusted comes in. */
export const KINDS: readonly FuzzKind[] = [
  credentials('web identity'),
  credentials('pod identity'),
  STS,
  EXCHANGE_ANSWERS,
  REQUESTS,
  TUNNELS,
  INTERCEPTION,
  REVIEWS,
  ANNOTATIONS,
  TOKEN_FILES,
  POLICY,
]
