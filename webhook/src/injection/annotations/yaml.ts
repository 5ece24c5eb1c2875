import type { Parsed } from '@aws-outbound-jwt-injector/proxy/contract'
import { accepted, refused } from '@aws-outbound-jwt-injector/proxy/contract'
import type { Document, ParsedNode } from 'yaml'
import { CST, Lexer, LineCounter, isScalar, parseDocument, visit } from 'yaml'

/** A route nests four deep; anything deeper is an attack on the stack. */
const DEEPEST = 8
/** Indentation and indicators at the start of a line; nests block collections. */
const INDENT = /^[\s?-]{65}/
/** 64 KiB of routes have about 20,000; what has more is mostly punctuation, and costs the most. */
const MOST_TOKENS = 30_000

const FORBIDDEN: ReadonlyMap<string | null, string> = new Map([
  ['anchor', 'anchors'],
  ['alias', 'aliases'],
  ['tag', 'tags'],
  ['directive-line', 'directives'],
])

/** Parses one YAML 1.2 document of plain data: no anchors, aliases, tags or repeated keys; bounded in depth and in tokens. */
export function parseYaml(text: string, mostTokens = MOST_TOKENS): Parsed<unknown> {
  const objection = objectionTo(text, mostTokens)
  if (objection !== undefined) return refused(`YAML without ${objection}`)
  const lines = new LineCounter()
  const document = parseDocument(text, {
    schema: 'core',
    merge: false,
    // The library compares each key with every other; `repeatedKey` does not.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: lines,
  })
  const problem = document.errors[0] ?? repeatedKey(document)
  if (problem)
    return refused(`valid YAML (line ${lines.linePos(problem.pos[0]).line}: ${withoutSource(problem.message)})`)
  return accepted(document.toJS({ maxAliasCount: 0 }))
}

/** SECURITY: some messages end in the text that they are about, and an author may have written a secret into it. */
const withoutSource = (message: string): string => message.replace(/(?:(?<=\w): |\n).*/s, '')

interface Mistake {
  readonly pos: readonly [start: number, ...rest: number[]]
  readonly message: string
}

/** @returns the first key that a mapping has twice, as data. */
function repeatedKey(document: Document.Parsed): Mistake | undefined {
  let found: Mistake | undefined
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<string>()
      for (const { key } of items) {
        const name = String(isScalar(key) ? key.value : key)
        if (seen.has(name)) found = { pos: (key as ParsedNode).range, message: 'Map keys must be unique' }
        if (found) return visit.BREAK
        seen.add(name)
      }
      return undefined
    },
  })
  return found
}

/** @returns what the text may not contain but does, found in linear time before anything recursive sees it. */
function objectionTo(text: string, mostTokens: number): string | undefined {
  if (text.split('\n').some((line) => INDENT.test(line))) return 'deep nesting'
  let depth = 0
  let tokens = 0
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token)
    const forbidden = FORBIDDEN.get(type)
    if (forbidden !== undefined) return forbidden
    if (type === 'flow-map-start' || type === 'flow-seq-start') depth += 1
    else if (type === 'flow-map-end' || type === 'flow-seq-end') depth -= 1
    tokens += 1
    if (depth > DEEPEST) return 'deep nesting'
    if (tokens > mostTokens) return `more than ${mostTokens} tokens`
  }
  return undefined
}
