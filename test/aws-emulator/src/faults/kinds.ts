import { between, object, text } from '../admin/fields.ts'
import type { Fields } from '../admin/fields.ts'
import type { FaultKind } from './fault.ts'

export interface KindDescription {
  /** What the client sees, one sentence. */
  readonly doc: string
  readonly required: Fields
  readonly optional: Fields
}

const DAY = 86_400
const status = between(200, 599)
const seconds = between(-DAY, DAY)
const milliseconds = between(0, 600_000)

const kind = (doc: string, required: Fields = {}, optional: Fields = {}): KindDescription => ({
  doc,
  required,
  optional,
})

/** Every kind of fault with its fields. The README's table has the same rows. */
export const FAULT_KINDS: Readonly<Record<FaultKind, KindDescription>> = {
  error: kind(
    'The error answer with this wire code; status and message as AWS gives them unless set.',
    { code: text },
    { status, message: text, retryAfterSeconds: between(0, DAY) },
  ),
  html: kind('An HTML page, as a load balancer answers; status 502 unless set.', {}, { status }),
  empty: kind('No body; status 200 unless set.', {}, { status }),
  'malformed-xml': kind('The real answer, cut in the middle of an element.'),
  'empty-result': kind('A well-formed answer whose result has no members.'),
  'no-expiration': kind('The real answer without its Expiration.'),
  token: kind('This text in the place of the minted token.', { token: text }),
  claims: kind('A token signed over these claims in addition to, or instead of, its own.', { claims: object }),
  lifetime: kind('A token or role session that lasts so long; negative: already over.', { seconds }),
  'stale-key': kind('A token signed by a key that the JWKS does not have, under the kid of one that it has.'),
  date: kind("A Date header that is off by so much; clients take it for AWS's clock.", { seconds }),
  delay: kind('The real answer, so much later.', { milliseconds }),
  'slow-body': kind('Headers at once, the body spread over so much time.', { milliseconds }),
  truncated: kind('The connection ends in the middle of the announced body.'),
  'half-close': kind('The connection ends before any answer, with a FIN.'),
  hang: kind('No answer, ever; the connection stays open.'),
  reset: kind('The connection ends before any answer, with a RST.'),
}

/** Fields that every kind has. */
export const SCOPE_FIELDS: Fields = {
  kind: text,
  operation: text,
  match: object,
  count: between(1, 1_000_000),
  forSeconds: between(1, DAY),
}

export const MATCH_FIELDS: Fields = { audience: text, roleArn: text, sessionName: text }
