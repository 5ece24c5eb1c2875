import { Composer, LineCounter, Parser, isMap, isNode, isScalar, isSeq, visit } from 'yaml'
import type { CST, Document, Node, Pair, YAMLMap } from 'yaml'
import type { JsonPatchOperation } from '../../injection/patch.ts'
import { aliasedIn, kubernetesTags, withoutAliases } from './kubernetes-yaml.ts'
import type { Aliased } from './kubernetes-yaml.ts'
import type { Path } from '../../injection/workload/path.ts'
import { UsageError } from '../usage.ts'

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

/** Uses of an anchor, those within others multiplied. */
const ALIASES = 100
/** More than any manifest nests; what reads and writes values calls itself for every level. */
const DEEPEST = 500
/** What Go's parser refuses, or takes for the end of a line where YAML 1.2 does not. */
const UNREADABLE = /(?![\t\n\r])[\p{Cc}\u2028\u2029\ufffe\uffff]|\r(?!\n)/u

/** Parses the documents of a file, empty ones left out. @throws UsageError naming file and line. */
export function parseManifests(text: string, file: string): readonly Manifest[] {
  const lines = new LineCounter()
  const refuse = (offset: number, message: string): never => {
    throw new UsageError(`${file}:${lines.linePos(offset).line}: ${message}`)
  }
  const tokens = [...new Parser(lines.addNewLine).parse(text)]
  const unreadable = UNREADABLE.exec(text)
  if (unreadable) {
    const code = unreadable[0].charCodeAt(0).toString(16).padStart(4, '0')
    refuse(unreadable.index, `got the character U+${code.toUpperCase()} itself, expected "\\u${code}" in double quotes`)
  }
  for (const token of tokens) {
    const offset = tooDeep(token)
    if (offset !== undefined)
      refuse(offset, `got values nested deeper than ${DEEPEST}, expected at most ${DEEPEST} levels`)
  }
  const options = {
    version: '1.1',
    schema: 'yaml-1.1',
    customTags: kubernetesTags,
    // The library compares each key with every other; `repeatedKey` does not.
    uniqueKeys: false,
  } as const
  const documents = [...new Composer(options).compose(tokens)]
  const ends = documents.map((document) => document.range[2])
  return documents.map((document, index) => {
    const [error] = document.errors
    if (error) refuse(error.pos[0], error.message)
    const repeated = repeatedKey(document)
    if (repeated) refuse(repeated.range?.[0] ?? 0, 'Map keys must be unique')
    const aliased = aliasedIn(document, ({ range, source: anchor }) =>
      refuse(range?.[0] ?? 0, `*${anchor} stands within &${anchor}, expected an alias outside of its anchor`),
    )
    const source = text.slice(index === 0 ? 0 : ends[index - 1], ends[index])
    try {
      return createManifest(document, { aliased, source, lines })
    } catch (error) {
      // The library's word for aliases that multiply, and for those without an anchor.
      if (!(error instanceof ReferenceError)) throw error
      return refuse(
        document.contents?.range[0] ?? 0,
        `${error.message}; expected at most ${ALIASES} uses of an anchor, those within others multiplied`,
      )
    }
  })
}

/** @returns where values nest too deep. No function calls itself here: that is what a deep file would make end. */
function tooDeep(root: CST.Token): number | undefined {
  const open: { readonly token: CST.Token; readonly depth: number }[] = [{ token: root, depth: 0 }]
  for (let next = open.pop(); next; next = open.pop()) {
    const { token, depth } = next
    if (depth > DEEPEST) return token.offset
    if (token.type === 'document' && token.value) open.push({ token: token.value, depth })
    const items: readonly { readonly key?: CST.Token | null; readonly value?: CST.Token }[] =
      'items' in token ? token.items : []
    for (const child of items.flatMap(({ key, value }) => [key, value]))
      if (child) open.push({ token: child, depth: depth + 1 })
  }
  return undefined
}

/** @returns the first key that a mapping has twice. */
function repeatedKey(document: Document): Node | undefined {
  let found: Node | undefined
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        const name: unknown = isScalar(key) ? key.value : key
        if (seen.has(name)) {
          found = key as Node
          return visit.BREAK
        }
        seen.add(name)
      }
      return undefined
    },
  })
  return found
}

interface Read {
  readonly aliased: Aliased
  readonly source: string
  readonly lines: LineCounter
}

function createManifest(parsed: Document.Parsed, { aliased, source, lines }: Read): Manifest {
  // Bounds what the aliases make, too.
  const plain: unknown = parsed.toJS({ maxAliasCount: ALIASES })
  const document = hasAliases(parsed) ? withoutAliases(parsed, aliased) : parsed
  const data: unknown = document === parsed ? plain : document.toJS()
  const offsetOf = offsets(parsed)
  let isChanged = false
  return {
    data,
    lineOf: (path) => lines.linePos(offsetOf(path)).line,
    apply: (at, operations) => {
      isChanged = true
      for (const operation of operations) change(document, at, operation)
    },
    text: () =>
      isChanged
        ? document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Infinity, ...styleOf(source) })
        : source,
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

function hasAliases(document: Document): boolean {
  let found = false
  visit(document, {
    Alias: () => {
      found = true
      return visit.BREAK
    },
    Scalar: (_, { value }) => {
      // The key of a merge.
      if (typeof value !== 'symbol') return undefined
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

/** @returns for a path where its key begins, else its value, else what is around it. Pairs are found by name: a mapping may have thousands. */
function offsets(document: Document.Parsed): (path: Path) => number {
  const named = new Map<YAMLMap, ReadonlyMap<unknown, Pair>>()
  const pairOf = (map: YAMLMap, name: unknown): Pair | undefined => {
    const known =
      named.get(map) ?? new Map(map.items.flatMap((pair) => (isScalar(pair.key) ? [[pair.key.value, pair] as const] : [])))
    named.set(map, known)
    return known.get(name)
  }
  return (path) => {
    let node: unknown = document.contents
    let offset = document.contents?.range[0] ?? 0
    for (const step of path) {
      const pair = isMap(node) ? pairOf(node, step) : undefined
      node = pair ? pair.value : isSeq(node) ? node.items[Number(step)] : undefined
      const place = pair ? pair.key : node
      offset = isNode(place) && place.range ? place.range[0] : offset
    }
    return offset
  }
}
