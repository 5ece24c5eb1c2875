import { checkList, checkObject, checked, between, isObject, object, textLike, written } from '../admin/fields.ts'
import type { PolicyDocument } from './policy.ts'
import { checkPolicy } from './parse-policy.ts'

/** Policies that bound what a role may do, by what AWS calls them in its messages. */
export const POLICY_KINDS = {
  identity: 'identity-based policy',
  boundary: 'permissions boundary',
  session: 'session policy',
  serviceControl: 'service control policy',
} as const

export type PolicyKind = keyof typeof POLICY_KINDS

/** An IAM role of the emulated account. */
export interface Role {
  /** With its path, for example `arn:aws:iam::123456789012:role/team/orders`. */
  readonly arn: string
  /** Who may assume it. Default: every token of a trusted cluster, and every Pod Identity association. */
  readonly trust?: PolicyDocument
  /** What it may ask for. Default: everything; a kind that is not given does not restrict. */
  readonly policies?: Readonly<Partial<Record<PolicyKind, PolicyDocument>>>
  readonly tags?: Readonly<Record<string, string>>
  /** MaxSessionDuration. Default: 3600. */
  readonly maxSessionSeconds?: number
}

export interface Roles {
  /** Replaces all roles. @throws TypeError that names what is wrong with them. */
  set(roles: unknown): void
  list(): readonly Role[]
  find(arn: string): Role | undefined
}

const OPTIONAL = { trust: object, policies: object, tags: object, maxSessionSeconds: between(3600, 43_200) }

/** @param accountId twelve digits; roles of other accounts are refused, since their issuer would be another. */
export function createRoles(accountId: string, initial: readonly Role[]): Roles {
  const arn = textLike(
    new RegExp(`^arn:aws[\\w-]*:iam::${accountId}:role/[\\w+=,.@/-]+$`),
    `the ARN of a role of account ${accountId}`,
  )
  const parse = (value: unknown): readonly Role[] =>
    checked(value, (roles, report) =>
      checkList(
        roles,
        (role, where) => {
          if (!checkObject(role, { required: { arn }, optional: OPTIONAL }, where, report)) return
          if (role['trust'] !== undefined) checkPolicy(role['trust'], `${where}.trust`, report)
          if (!isObject(role['policies'])) return
          for (const [kind, document] of Object.entries(role['policies'])) {
            const at = `${where}.policies.${kind}`
            if (Object.hasOwn(POLICY_KINDS, kind)) checkPolicy(document, at, report)
            else report({ where: at, value: written(kind), allowed: `one of ${Object.keys(POLICY_KINDS).join(', ')}` })
          }
        },
        'roles',
        report,
      ),
    ) as readonly Role[]
  let roles = parse(initial)
  return {
    set: (value) => {
      roles = parse(value)
    },
    list: () => roles,
    find: (wanted) => roles.find((role) => role.arn === wanted),
  }
}
