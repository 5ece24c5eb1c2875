import type { Problem, Route, TokenFile } from '@aws-outbound-jwt-injector/proxy/contract'
import type { Refusals } from '../outcome.ts'
import type { AskedItem } from './asked.ts'
import { askedBy, askedByFile } from './asked.ts'
import type { GrantList, Grants, Policy } from './policy.ts'

/** What a pod asks for, and where it says so. */
export interface AskedFor {
  readonly routes: readonly Route[]
  readonly files: readonly TokenFile[]
  /** Of the annotation; without one the role comes from elsewhere. */
  readonly roleArn: string | undefined
  /** The annotation that asks, as `Problem.where`. */
  readonly where: (index: number, field: AskedItem['field']) => string
  /** The same for a token file. */
  readonly whereOfFile: (index: number, field: AskedItem['field']) => string
}

/** A hostile pod may ask for thousands. */
const MOST_PER_ROUTE = 10

/** Refuses what the policy, where there is one, does not grant. SECURITY: says what this namespace may have, nothing of another one. */
export function rejectUngranted(
  policy: Policy | undefined,
  namespace: string,
  asked: AskedFor,
  { report, isFull }: Refusals,
): void {
  const grants = policy?.grantsOf(namespace)
  if (!grants) return
  const { routes, files, roleArn, where, whereOfFile } = asked
  routes.forEach((route, index) => check(askedBy(route, roleArn), (field) => where(index, field)))
  files.forEach((file, index) => check(askedByFile(file, roleArn), (field) => whereOfFile(index, field)))

  function check(items: readonly AskedItem[], place: Place['place']): void {
    if (!grants || isFull() || grants.isGrantedWhole(items)) return
    for (const problem of problemsOf(items, grants, { namespace, place })) report('policy-denied', problem)
  }
}

interface Place {
  readonly namespace: string
  readonly place: (field: AskedItem['field']) => string
}

const NAMES: Readonly<Record<GrantList, string>> = {
  hosts: 'a host',
  audiences: 'an audience',
  roleArns: 'a role',
  sources: 'a source',
  exchanges: 'an exchange',
  https: 'a use of https',
}

function problemsOf(items: readonly AskedItem[], grants: Grants, { namespace, place }: Place): readonly Problem[] {
  const missing: AskedItem[] = []
  for (const item of items) {
    if (!grants.isGranted(item)) missing.push(item)
    if (missing.length === MOST_PER_ROUTE) break
  }
  if (missing.length > 0)
    return missing.map(({ list, field, value }) => ({
      where: place(field),
      value,
      allowed: `${NAMES[list]} that the policy of this cluster grants to namespace ${namespace}: ${listed(grants.granted(list))}`,
    }))
  const rules = listed(
    grants.rules,
    (rule) =>
      `${rule.name} (${Object.keys(NAMES)
        .map((list) => `${list}: ${listed(rule[list as GrantList])}`)
        .join('; ')})`,
  )
  const what = [...new Set(items.map(({ value }) => value))].join(' ')
  const allowed = `all of it from one rule of the policy of this cluster; those of namespace ${namespace} are ${rules}`
  return [{ where: place(items[0]?.field ?? 'hosts'), value: what, allowed }]
}

const MOST_LISTED = 20

/** @param show what is said of an item, made for those alone that are named. */
function listed<T>(items: readonly T[], show: (item: T) => string = String): string {
  if (items.length === 0) return 'none'
  const more = items.length > MOST_LISTED ? ` and ${items.length - MOST_LISTED} more` : ''
  return items.slice(0, MOST_LISTED).map(show).join(', ') + more
}
