import type { Parsed } from '@aws-outbound-jwt-injector/proxy/contract'
import { accepted, refused } from '@aws-outbound-jwt-injector/proxy/contract'
import { CST, Lexer, LineCounter, parseDocument } from 'yaml'

/** A route nests four deep; anything deeper is an attack on the stack. */
const DEEPEST = 8
/** Indentation and indicators at the start of a line; nests block collections. */
const INDENT = /^[\s?-]{65}/
/** Comparing the keys of one mapping costs their square. */
const MOST_KEYS = 4000

const FORBIDDEN: ReadonlyMap<string | null, string> = new Map([
  ['anchor', 'anchors'],
  ['alias', 'aliases'],
  ['tag', 'tags'],
  ['directive-line', 'directives'],
])

/** Parses one YAML 1.2 document of plain data: no anchors, aliases, tags or repeated keys; bounded in depth. */
export function parseYaml(text: string): Parsed<unknown> {
  const objection = objectionTo(text)
  if (objection !== undefined) return refused(`YAML without ${objection}`)
  const lines = new LineCounter()
  const document = parseDocument(text, {
    schema: 'core',
    merge: false,
    uniqueKeys: true,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: lines,
  })
  const problem = document.errors[0]
  if (problem)
    return refused(`valid YAML (line ${lines.linePos(problem.pos[0]).line}: ${problem.message.replace(/\n.*/s, '')})`)
  return accepted(document.toJS({ maxAliasCount: 0 }))
}

/** @returns what the text may not contain but does, found in linear time before anything recursive sees it. */
function objectionTo(text: string): string | undefined {
  if (text.split('\n').some((line) => INDENT.test(line))) return 'deep nesting'
  let depth = 0
  let keys = 0
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token)
    const forbidden = FORBIDDEN.get(type)
    if (forbidden !== undefined) return forbidden
    if (type === 'flow-map-start' || type === 'flow-seq-start') depth += 1
    else if (type === 'flow-map-end' || type === 'flow-seq-end') depth -= 1
    else if (type === 'map-value-ind') keys += 1
    if (depth > DEEPEST) return 'deep nesting'
    if (keys > MOST_KEYS) return `more than ${MOST_KEYS} keys`
  }
  return undefined
}
