import { Pair, Scalar, isAlias, isCollection, isMap, isScalar, isSeq, visit } from 'yaml'
import type { Alias, CollectionTag, Document, Node, ScalarTag, TagId, Tags, YAMLMap } from 'yaml'

/**
 * YAML as Kubernetes reads it: sigs.k8s.io/yaml over go.yaml.in/yaml/v2, which is YAML 1.1 without base 60, without times, and with Go's
 * own numbers (`0o17`, `+0o17` and `0o_1` are octal). Source: resolve.go of that module.
 */
export const kubernetesTags = (tags: Tags): Tags => [
  ...tags.filter((tag) => typeof tag === 'object' && !REPLACED.test(tag.tag)).map(mergeOnly),
  int,
  float,
  noNumber,
  ...tags
    .filter((tag) => typeof tag === 'object')
    .filter(isText)
    .map(printable),
]

const REPLACED = /:(?:str|int|float|timestamp|binary|set|omap|pairs)$/

// SECURITY: in the two patterns of numbers no part takes what the next one could, or a long row of `_` would cost its square.

/** A number stays as its author wrote it: written anew it could lose digits. */
const written: NonNullable<ScalarTag['stringify']> = ({ source, value }) => source ?? JSON.stringify(value)

const int: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  identify: (value) => typeof value === 'number',
  test: /^(?=[-+\d])[-+]?_*(?:0(?:_*[bB][_01]*[01]_*|_*[oO][_0-7]*[0-7]_*|_*[xX][_\da-fA-F]*[\da-fA-F]_*|[_0-7]*)|[1-9][_\d]*)$/,
  resolve: (source) => numberOf(source),
  stringify: written,
}

const float: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  identify: () => false,
  test: /^(?:(?=[-+\d])[-+]?_*(?:\.[_\d]*\d_*|\d[_\d]*(?:\.[_\d]*)?)(?:[eE](?:_*[-+])?_*\d[_\d]*)?|\.\d+(?:[eE][-+]?\d+)?)$/,
  resolve: (source) => floatOf(source),
  stringify: written,
}

const noNumber: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  identify: () => false,
  test: /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
  resolve: (source, onError) => {
    onError(`got ${source}, expected a number that JSON has`)
    return source
  },
}

/** @returns the number as Go's ParseFloat reads it; the text where it is too large for one. */
function floatOf(source: string): number | string {
  const value = Number(source.replaceAll('_', ''))
  return Number.isFinite(value) ? value : source
}

const LARGEST = 2n ** 64n
const LARGEST_SIGNED = 2n ** 63n

/** @returns the number as Go's ParseInt and ParseUint with base 0 read it; the text where neither they nor ParseFloat do. */
function numberOf(source: string): number | string {
  const plain = source.replaceAll('_', '')
  const [, sign = '', digits = ''] = /^([-+]?)(.*)$/.exec(plain) ?? []
  // SECURITY: what is longer is no whole number of Go's in any case, and a decimal one of millions of digits would take seconds.
  if (/^[1-9]\d{20}/.test(digits)) return floatOf(source)
  const octal = /^0[0-7]+$/.test(digits)
  const size = BigInt(octal ? `0o${digits}` : digits.toLowerCase())
  const fits = sign === '' ? size < LARGEST : sign === '-' ? size <= LARGEST_SIGNED : size < LARGEST_SIGNED
  if (fits) return Number(sign === '-' ? -size : size)
  return /^\d+$/.test(digits) ? floatOf(source) : source
}

/** Characters that Go's reader refuses, or takes for the end of a line or of nothing, when they stand there as themselves. */
const UNPRINTABLE = /(?![\t\n])[\p{Cc}\u2028\u2029\ufeff\ufffe\uffff]/u
const INDENTED = /^[\t ]/m
/** The tab ends what Go takes for indentation. */
const STARTS_WITH_TAB = /^[\n ]*\t/

/** The key of a merge is a symbol; the library would write a string of the same spelling without its quotes. */
const mergeOnly = (tag: TagId | CollectionTag | ScalarTag): typeof tag =>
  typeof tag === 'object' && tag.tag === 'tag:yaml.org,2002:merge'
    ? { ...tag, identify: (value) => typeof value === 'symbol' }
    : tag

const isText = (tag: object): tag is ScalarTag => 'tag' in tag && tag.tag === 'tag:yaml.org,2002:str'

/** Strings as the library writes them, but for those that Go would read otherwise. */
const printable = (tag: ScalarTag): ScalarTag => ({
  ...tag,
  stringify: (item, ctx, onComment, onChompKeep) => {
    const value = String(item.value)
    const isBlock = item.type === 'BLOCK_LITERAL' || item.type === 'BLOCK_FOLDED'
    const isQuoted =
      item.type === 'QUOTE_DOUBLE' ||
      UNPRINTABLE.test(value) ||
      STARTS_WITH_TAB.test(value) ||
      (!isBlock && value.includes('\t'))
    // What is indented further within a folded block is folded differently.
    const written = item.type === 'BLOCK_FOLDED' && INDENTED.test(value) ? literal(item, value) : item
    return isQuoted ? quoted(value) : (tag.stringify?.(written, ctx, onComment, onChompKeep) ?? quoted(value))
  },
})

function literal({ comment }: Scalar, value: string): Scalar {
  const block = new Scalar(value)
  block.type = Scalar.BLOCK_LITERAL
  if (comment !== undefined) block.comment = comment
  return block
}

const EVERY_UNPRINTABLE = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g

function quoted(value: string): string {
  return JSON.stringify(value).replace(
    EVERY_UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The nodes that the aliases of a document stand for, found in one pass. */
export type Aliased = ReadonlyMap<Alias, Node>

/** @param refuse hears of an alias that stands within what it stands for. */
export function aliasedIn(document: Document, refuse: (alias: Alias) => void): Aliased {
  const anchors = new Map<string, Node>()
  const aliased = new Map<Alias, Node>()
  visit(document, {
    Node: (_key, node, path) => {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node)
        return
      }
      const target = anchors.get(node.source)
      if (target === undefined) return
      if (path.includes(target)) refuse(node)
      aliased.set(node, target)
    },
  })
  return aliased
}

/**
 * Puts in place of every alias what it stands for, and of every merge its members: an edit under an anchor would show wherever its
 * aliases stand. Comments and styles stay. A later merge wins over what came before it, as in Go and other than in the specification.
 * @param parsed whose aliases are known to be bounded.
 */
export function withoutAliases(parsed: Document, aliased: Aliased): Document {
  const document = parsed.clone()
  document.contents = expand(parsed.contents, aliased) as Document['contents']
  return document
}

function expand(node: unknown, aliased: Aliased): unknown {
  if (isAlias(node)) return expand(aliased.get(node), aliased)
  if (!isScalar(node) && !isCollection(node)) return node
  // The library's clone() would copy all that is below once more at every level, with aliases that are not those of `aliased`.
  const copy = Object.create(Object.getPrototypeOf(node) as object, Object.getOwnPropertyDescriptors(node)) as typeof node
  delete copy.anchor
  if (isSeq(copy) && isSeq(node)) copy.items = node.items.map((item) => expand(item, aliased))
  else if (isMap(copy) && isMap(node)) copy.items = members(node, aliased)
  return copy
}

function members(map: YAMLMap, aliased: Aliased): Pair[] {
  const found = new Map<unknown, Pair>()
  for (const pair of map.items.flatMap((item) => expandPair(item, aliased)))
    found.set(isScalar(pair.key) ? String(pair.key.value) : pair.key, pair)
  return [...found.values()]
}

/** @returns the pair, or what a merge puts in its place. */
function expandPair({ key, value }: Pair, aliased: Aliased): readonly Pair[] {
  const expanded = expand(value, aliased)
  if (!isScalar(key) || typeof key.value !== 'symbol') return [new Pair(expand(key, aliased), expanded)]
  // Of several maps the first one wins.
  const sources = isSeq(expanded) ? expanded.items.toReversed() : [expanded]
  return sources.filter(isMap).flatMap(({ items }) => items)
}
