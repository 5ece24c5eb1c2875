import { ROUTE_FIELDS, printable } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  CHECKS,
  ERRORS,
  FAILURES,
  METRICS as SIDECAR_METRICS,
  SETTINGS as SIDECAR_SETTINGS,
  STANDALONE_SETTINGS,
} from '@aws-outbound-jwt-injector/proxy/reference'
import type { MetricsTable, SettingsTable } from '@aws-outbound-jwt-injector/proxy/runtime'
import { CERTIFICATE_PROBLEMS } from '../certificates/problems.ts'
import { SETTINGS as WEBHOOK_SETTINGS } from '../config.ts'
import { REVIEW_ERRORS } from '../errors.ts'
import { ANNOTATIONS } from '../injection/annotations/annotations.ts'
import { nearest } from '../injection/annotations/nearest.ts'
import { PREFIX } from '../injection/annotations/raw-annotations.ts'
import { OUTCOMES, REASONS, REMEDIES } from '../injection/outcome.ts'
import { METRICS as WEBHOOK_METRICS } from '../metrics.ts'
import { EXITS } from './commands.ts'
import type { Outcome } from './outcome.ts'
import { PROGRAM, pageUrl } from './usage.ts'

/** One row of one of the tables. */
interface Entry {
  readonly word: string
  /** Which table, and what a row of it has besides words. */
  readonly what: string
  readonly meaning: string
  readonly fix?: string
  readonly page: string
}

/** @returns every row that a word names, or words that are close. */
export function explain(word: string): Outcome {
  const found = ENTRIES.filter((entry) => isNamedBy(entry, word))
  if (found.length > 0) return { status: EXITS.fine.status, stdout: found.map(render).join('\n'), stderr: '' }
  const close = closeTo(word)
  const hint = close.length === 0 ? '' : `; did you mean ${close.join(', ')}?`
  return { status: EXITS.found.status, stdout: '', stderr: `${PROGRAM}: nothing is called ${printable(word)}${hint}\n` }
}

const render = ({ word, what, meaning, fix, page }: Entry): string =>
  [`${word}: ${what}`, `  ${meaning}`, ...(fix ? [`  fix: ${fix}`] : []), `  see ${pageUrl(page)}`, ''].join('\n')

const isNamedBy = ({ word }: Entry, text: string): boolean => letters(word) === letters(text)

/** A dashboard, a manifest and a shell write the same word with other dashes and cases. */
const letters = (text: string): string =>
  text
    .toLowerCase()
    .replace(PREFIX, '')
    .replaceAll(/[^a-z0-9]/g, '')

const MOST_CLOSE = 8
/** Fewer letters are in too many words. */
const SHORTEST_PART = 3

function closeTo(text: string): readonly string[] {
  const part = letters(text)
  const words = new Map(ENTRIES.map(({ word }) => [letters(word), word]))
  const containing = [...words.keys()].filter((word) => part.length >= SHORTEST_PART && word.includes(part))
  const near = nearest(part, [...words.keys()])
  const close = new Set([...(near === undefined ? [] : [near]), ...containing])
  return [...close].slice(0, MOST_CLOSE).map((word) => words.get(word) ?? word)
}

const REMEDY = new Map<string, string>(Object.entries(REMEDIES))
const OUTCOME = new Map<string, string>(Object.entries(OUTCOMES))

/** By which a partner says that it does not take a token. */
const REFUSALS = [401, 403]

const ENTRIES: readonly Entry[] = [
  ...rows(REASONS, (word, meaning) => ({
    what: `reason of an admission, decision ${OUTCOME.get(word) ?? 'deny'}`,
    meaning,
    fix: REMEDY.get(word) ?? '',
    page: 'reasons.md',
  })),
  ...rows(ERRORS, (_, { status, retryable, meaning, hint }) => ({
    what: `error of the sidecar, status ${status}, ${retryable ? 'a retry may help' : 'a retry does not help'}`,
    meaning,
    fix: hint,
    page: 'errors.md',
  })),
  ...statuses(),
  ...rows(FAILURES, (_, { code, meaning, hint, class: kind }) => ({
    what: `why a token is not minted, class ${kind}; the application gets ${code}`,
    meaning,
    fix: hint,
    page: 'token-failures.md',
  })),
  ...rows(REVIEW_ERRORS, (_, { status, meaning, hint }) => ({
    what: `error of the webhook, status ${status}`,
    meaning,
    fix: hint,
    page: 'errors-webhook.md',
  })),
  ...rows(CERTIFICATE_PROBLEMS, (_, { meaning, hint }) => ({
    what: "problem with the webhook's certificate",
    meaning,
    fix: hint,
    page: 'errors-webhook.md',
  })),
  ...rows(ANNOTATIONS, (name, { fallback, doc }) => ({
    word: PREFIX + name,
    what: `annotation of a pod, default ${fallback}`,
    meaning: doc,
    page: 'annotations.md',
  })),
  ...Object.values(ROUTE_FIELDS).flatMap(({ written }): readonly Entry[] =>
    written
      ? [
          {
            word: written.key,
            what: `field of a route in ${PREFIX}routes, such as ${written.example}, default ${written.fallback}`,
            meaning: written.doc,
            page: 'annotations.md',
          },
        ]
      : [],
  ),
  ...variables(without(SIDECAR_SETTINGS, STANDALONE_SETTINGS), 'the sidecar', 'configuration.md'),
  ...variables(STANDALONE_SETTINGS, 'the proxy in standalone mode', 'configuration.md'),
  ...variables(WEBHOOK_SETTINGS, 'the webhook', 'configuration-webhook.md'),
  ...metrics(SIDECAR_METRICS, 'the sidecar'),
  ...metrics(WEBHOOK_METRICS, 'the webhook'),
  ...rows(CHECKS, (_, meaning) => ({ what: 'check of doctor', meaning, page: 'doctor.md' })),
]

function rows<T>(
  table: Readonly<Record<string, T>>,
  entryOf: (word: string, row: T) => Omit<Entry, 'word'> & Partial<Pick<Entry, 'word'>>,
): readonly Entry[] {
  return Object.entries(table).map(([word, row]) => ({ word, ...entryOf(word, row) }))
}

/** What `status` has under MOSTLY where a partner answered so, and what an application sees. */
function statuses(): readonly Entry[] {
  const ofSidecar = Map.groupBy(Object.entries(ERRORS), ([, { status }]): number => status)
  const known = new Set([...REFUSALS, ...ofSidecar.keys()])
  return [...known].map((status) => {
    const codes = (ofSidecar.get(status) ?? []).map(([code]) => code)
    const whose =
      codes.length === 0
        ? 'The sidecar has no such answer of its own: it is the one of the partner.'
        : `With the field X-Outbound-Jwt-Error it is an answer of the sidecar: ${codes.join(', ')}. Without it, it is the one of the partner.`
    const fix =
      'Of a partner: `challenge` in the log line `the partner refused the token` of the sidecar is its own reason; compare iss, sub and aud, which doctor prints, with what it has registered.'
    return {
      word: String(status),
      what: 'status of HTTP',
      meaning: whose,
      ...(REFUSALS.includes(status) && { fix }),
      page: REFUSALS.includes(status) ? 'troubleshooting.md#the-call-goes-out-without-a-token' : 'errors.md',
    }
  })
}

function variables(table: SettingsTable, program: string, page: string): readonly Entry[] {
  return Object.values(table).map(({ variable, fallback, doc }) => ({
    word: variable,
    what: `variable of ${program}, ${fallback === '' ? 'no default' : `default ${fallback}`}`,
    meaning: doc,
    page,
  }))
}

function metrics(table: MetricsTable, program: string): readonly Entry[] {
  return Object.values(table).map(({ name, type, labels, help }) => ({
    word: name,
    what: `${type} of ${program}, ${labels.length === 0 ? 'without labels' : `labels ${labels.join(', ')}`}`,
    meaning: help,
    page: 'metrics.md',
  }))
}

function without(table: SettingsTable, other: SettingsTable): SettingsTable {
  const known = new Set(Object.values(other).map(({ variable }) => variable))
  return Object.fromEntries(Object.entries(table).filter(([, { variable }]) => !known.has(variable)))
}
