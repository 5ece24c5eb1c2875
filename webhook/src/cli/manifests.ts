import { Document, LineCounter, isMap, isNode, isScalar, isSeq, parseAllDocuments, visit } from 'yaml'
import type { Tags } from 'yaml'
import type { JsonPatchOperation } from '../injection/patch.ts'
import type { Path } from './templates.ts'
import { UsageError } from './usage.ts'

/** One document of a file. */
export interface Manifest {
  /** The document as data; never changed. */
  readonly data: unknown
  /** @returns the line on which the value at a path begins, or the nearest around it. */
  readonly lineOf: (path: Path) => number
  /** Applies operations whose pointers start at a path. */
  readonly apply: (at: Path, operations: readonly JsonPatchOperation[]) => void
  /** @returns the document as text: as it was written while nothing is applied, else with comments kept. */
  readonly text: () => string
  /** @returns the document as data, with what was applied. */
  readonly result: () => unknown
}

/** Kubernetes reads YAML 1.1, but no times and no types of it that JSON lacks. */
const customTags = (tags: Tags): Tags =>
  tags.filter(
    (tag) =>
      typeof tag !== 'object' || !(tag.format === 'TIME' || /:(?:timestamp|binary|set|omap|pairs)$/.test(tag.tag)),
  )

/** Parses the documents of a file, empty ones left out. @throws UsageError naming file and line. */
export function parseManifests(text: string, file: string): readonly Manifest[] {
  try {
    return readDocuments(text, file)
  } catch (error) {
    // The library's word for aliases that multiply, and for those without an anchor.
    if (error instanceof ReferenceError) throw new UsageError(`${file}: ${error.message}`)
    throw error
  }
}

function readDocuments(text: string, file: string): readonly Manifest[] {
  const lines = new LineCounter()
  const options = { schema: 'yaml-1.1', customTags, merge: true, lineCounter: lines, prettyErrors: false } as const
  const parsed = parseAllDocuments(text, options)
  const documents = 'empty' in parsed ? [] : parsed
  const ends = documents.map((document) => document.range[2])
  return documents.map((document, index) => {
    const [error] = document.errors
    if (error) throw new UsageError(`${file}:${lines.linePos(error.pos[0]).line}: ${error.message}`)
    return createManifest(document, text.slice(index === 0 ? 0 : ends[index - 1], ends[index]), lines)
  })
}

function createManifest(parsed: Document.Parsed, source: string, lines: LineCounter): Manifest {
  const data: unknown = parsed.toJS()
  let document: Document = parsed
  let isChanged = false
  return {
    data,
    lineOf: (path) => lines.linePos(offsetOf(parsed, path)).line,
    apply: (at, operations) => {
      if (!isChanged && hasAliases(parsed))
        document = new Document(data, { schema: 'yaml-1.1', customTags, aliasDuplicateObjects: false })
      isChanged = true
      for (const operation of operations) change(document, at, operation)
    },
    text: () => (isChanged ? document.toString({ lineWidth: 0, ...styleOf(source) }) : source),
    result: () => (isChanged ? document.toJS() : data) as unknown,
  }
}

/** What the author does where YAML leaves a choice, so that a diff shows the injection alone. */
function styleOf(source: string): {
  readonly indentSeq: boolean
  readonly flowCollectionPadding: boolean
  readonly singleQuote: boolean | null
} {
  return {
    indentSeq: !/^( *)[^\s#-][^\n]*:\n\1- /m.test(source),
    flowCollectionPadding: !/\{[^\s}]/.test(source),
    singleQuote: source.includes("'") && !source.includes('"') ? true : null,
  }
}

/** An edit under an anchor would show wherever its aliases stand; such a document is written anew, without comments. */
function hasAliases(document: Document): boolean {
  let found = false
  visit(document, {
    Alias: () => {
      found = true
      return visit.BREAK
    },
  })
  return found
}

function change(document: Document, at: Path, { op, path, value }: JsonPatchOperation): void {
  const tokens = path
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
  const name = tokens.pop() ?? ''
  const parent = document.getIn([...at, ...tokens.map(indexOrName)], true)
  const node = document.createNode(value)
  if (isSeq(parent) && op === 'add') parent.items.splice(Number(name), 0, node)
  else if (isSeq(parent)) parent.set(Number(name), node)
  else if (isMap(parent)) parent.set(name, node)
  else throw new TypeError(`no parent: ${path}`)
}

const indexOrName = (token: string): string | number => (/^\d+$/.test(token) ? Number(token) : token)

/** @returns where the key at a path begins, else the value, else what is around it. */
function offsetOf(document: Document.Parsed, path: Path): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const parent = document.getIn(path.slice(0, depth - 1), true)
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && key.value === path[depth - 1])
      : undefined
    const node = pair?.key ?? document.getIn(path.slice(0, depth), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return document.contents?.range[0] ?? 0
}
