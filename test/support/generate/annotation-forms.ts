import type { AnnotationName } from '../../../webhook/src/injection/annotations/annotations.ts'

const DNS_NAME = '[*]?[A-Za-z0-9.-]+(:[0-9]{1,5})?'

/** Patterns that every good default of a namespace has: helm refuses the usual mistakes with them; the webhook checks everything. */
export const ANNOTATION_FORMS: Readonly<Partial<Record<AnnotationName, string>>> = {
  hosts: `^ *${DNS_NAME} *(, *${DNS_NAME} *)*$`,
  duration: '^[0-9]+[smh]?$',
  'signing-algorithm': '^(RS256|ES384)$',
  https: '^(refuse|tunnel|intercept)$',
  steering: '^(proxy|hosts)$',
  'role-arn': '^arn:aws[A-Za-z0-9_-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$',
  region: '^[a-z]{2,4}(-[a-z]{2,16}){1,3}-[0-9]{1,2}$',
  unmatched: '^(passthrough|deny)$',
  'egress-proxy': '^[hH][tT][tT][pP][sS]?://[^/@]+/?$',
  'egress-proxy-secret': '^[a-z0-9.-]+/[A-Za-z0-9._-]+$',
  'extra-ca': '^[a-z0-9.-]+/[A-Za-z0-9._-]+$',
  'env-policy': '^(refuse|keep|override|chain)$',
  runtimes: '^ *(node|java) *(, *(node|java) *)?$',
  'proxy-port': '^[0-9]{4,5}$',
  'admin-port': '^[0-9]{4,5}$',
  'log-level': '^(error|warn|info|debug)$',
}
