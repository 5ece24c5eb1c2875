// Policies of as many rules as a ConfigMap holds, all of globs.
import type { Policy } from '../../../webhook/src/injection/policy/policy.ts'
import { policyOf } from '../../support/injection/cases.ts'

const RULES = 5000

/** The last rule alone grants what the pod asks for: all others are looked at in vain. */
const rules = (namespaces: (index: number) => readonly string[]): Policy =>
  policyOf(
    Array.from({ length: RULES }, (_, index) => ({
      name: `rule-${index}`,
      namespaces: namespaces(index),
      hosts: index === RULES - 1 ? ['api.partner*'] : [`*.team-${index}.example`, `api-${index}-*.partner.example`],
      audiences: [`https://*.team-${index}.example`, 'https://api.partner*'],
      roleArns: [`arn:aws:iam::123456789012:role/team-${index}-*`],
      sources: ['*'],
      https: ['*'],
    })),
  )

/** Name → policy, for a pod of namespace `shop-1` with the partner `api.partner.example`. The bar of a decision is 1 ms. */
export const POLICIES: Readonly<Record<string, () => Policy>> = {
  'a hundred of them for the namespace': () => rules((index) => [index % 50 === 49 ? 'shop-*' : `team-${index}-*`]),
  'all of them for the namespace': () => rules(() => ['shop-*']),
}
