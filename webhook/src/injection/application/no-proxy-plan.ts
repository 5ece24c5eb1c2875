import type { Problem } from '@aws-outbound-jwt-injector/proxy/contract'
import type { EnvironmentEdit } from './environment-edits.ts'
import { indexAfter, lateReferences, referencesOf } from './environment-edits.ts'
import type { Coverage } from './no-proxy-coverage.ts'
import type { DirectHosts } from './no-proxy.ts'
import { NO_PROXY_NAMES, entriesOf, union } from './no-proxy.ts'
import type { Container, Variable } from '../pod/pod.ts'
import { placeOf } from '../pod/pod.ts'
import type { Refusals, Warn } from '../outcome.ts'

interface Direct {
  readonly direct: DirectHosts
  readonly coverage: Coverage
}

interface Outcome {
  readonly refusals: Refusals
  readonly warn: Warn
}

/** Makes both spellings one list: the container's own entries, then ours. Its own variables are edited where they are. */
export function planNoProxy(
  container: Container,
  variables: readonly Variable[],
  { direct, coverage }: Direct,
  outcome: Outcome,
): readonly EnvironmentEdit[] {
  const place = placeOf(container)
  const own = NO_PROXY_NAMES.flatMap((name) => readList(variables.findLast((variable) => variable.name === name)))
  const ours = new Set(direct.entries)
  for (const list of own) inspect(place, { list, ours }, coverage, outcome)
  // A twin says the same as the one that cannot be read.
  const literal = own.filter(
    ({ variable: { value } }) => value !== undefined && !own.some(({ variable: { name } }) => value === `$(${name})`),
  )
  const [first, second] = literal
  const added = [...(second?.entries ?? []), ...direct.entries]
  const value = first?.variable.value === undefined ? direct.text : union(first.variable.value, first.entries, added)
  for (const { variable, entries } of literal) {
    const lacks = (entry: string): boolean => !entries.has(entry)
    const twins = new Set([...(second?.entries ?? [])].filter(lacks).flatMap((entry) => [...referencesOf(entry)]))
    const isAdded = (name: string): boolean =>
      twins.has(name) || direct.references.get(name)?.some(({ entry }) => lacks(entry)) === true
    for (const late of lateReferences({ has: isAdded }, variable, variables))
      outcome.warn(`${place}.env[${variable.name}] stands above ${late}: $(${late}) stays unexpanded in it`)
  }
  const alone = { value, index: indexAfter(direct.references, variables) }
  return [
    ...literal.map(({ variable }) => ({ kind: 'set', variable, value }) as const),
    ...NO_PROXY_NAMES.filter((name) => !own.some(({ variable }) => variable.name === name)).map((name) =>
      insertTwin(name, own[0]?.variable, alone),
    ),
  ]
}

/** A variable and its entries, which are found once: a hostile pod has thousands. */
interface List {
  readonly variable: Variable
  readonly entries: ReadonlySet<string>
}

const readList = (variable: Variable | undefined): readonly List[] =>
  variable ? [{ variable, entries: new Set(entriesOf(variable.value ?? '')) }] : []

/** The second spelling goes right after the first and says the same, even when we cannot read what that is. */
function insertTwin(
  name: string,
  twin: Variable | undefined,
  alone: { readonly value: string; readonly index: number },
): EnvironmentEdit {
  if (twin === undefined) return { kind: 'insert', name, ...alone }
  return {
    kind: 'insert',
    index: twin.index + 1,
    name,
    value: twin.value === undefined ? `$(${twin.name})` : alone.value,
  }
}

interface Inspected {
  readonly list: List
  /** What injection or the annotation adds; that was looked at with the annotations. */
  readonly ours: ReadonlySet<string>
}

function inspect(
  place: string,
  { list: { variable, entries }, ours }: Inspected,
  coverage: Coverage,
  { refusals, warn }: Outcome,
): void {
  const where = `${place}.env[${variable.name}]`
  if (variable.value === undefined) warn(`${where} cannot be read (valueFrom): it must not cover a partner host`)
  for (const entry of entries) {
    if (ours.has(entry)) continue
    const covered = coverage(entry)
    // Both spellings have every entry once they are one list.
    if (covered?.extent === 'part') warn(`${place}.env[NO_PROXY]: calls to ${entry} get no token`)
    if (covered?.extent === 'all') refusals.report('no-proxy-conflict', conflict(where, entry, covered.host))
  }
}

/** An entry that silently takes a partner away from the proxy. */
export function conflict(where: string, entry: string, host: string): Problem {
  return { where, value: entry, allowed: `an entry that does not cover the partner host ${host}` }
}
