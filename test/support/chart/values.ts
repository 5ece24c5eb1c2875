import { readFileSync } from 'node:fs'
import type { Pair, Scalar, YAMLMap } from 'yaml'
import { isMap, isScalar, parseDocument } from 'yaml'

export const CHART = 'charts/aws-outbound-jwt-injector'

/** @returns the oldest Kubernetes that the chart installs on, such as `1.32`. @throws Error when Chart.yaml does not say one. */
export function oldestKubernetes(text = readFileSync(`${CHART}/Chart.yaml`, 'utf8')): string {
  const [, minor] = /^kubeVersion: '>=(\d+\.\d+)\.0-0'$/m.exec(text) ?? []
  if (minor === undefined) throw new Error('Chart.yaml has no kubeVersion such as >=1.32.0-0')
  return minor
}

export interface JsonSchema {
  readonly [keyword: string]: unknown
}

/** One value of the chart: a node of the tree that values.yaml is. */
export interface ChartValue {
  /** From the root, with dots. */
  readonly path: string
  /** The comment above it, in one line. */
  readonly doc: string
  readonly fallback: unknown
  /** From the `@schema` line, else from the default. */
  readonly schema: JsonSchema
  /** Empty for a leaf. */
  readonly children: readonly ChartValue[]
}

/** Reads values.yaml. @throws Error for a value without a comment or without a type. */
export function readChartValues(text = readFileSync(`${CHART}/values.yaml`, 'utf8')): readonly ChartValue[] {
  const root = parseDocument(text).contents
  if (!isMap(root)) throw new Error('values.yaml is not a map')
  return readMap(root, '')
}

function readMap(map: YAMLMap, prefix: string): readonly ChartValue[] {
  return map.items.map((pair, index) => {
    // The comment above the first key of a map belongs to the map.
    const comment = keyOf(pair).commentBefore ?? (index === 0 ? map.commentBefore : null) ?? ''
    return readValue(pair, prefix + String(keyOf(pair).value), comment)
  })
}

function readValue(pair: Pair, path: string, comment: string): ChartValue {
  // A paragraph above, after a blank line, belongs to the file.
  const lines = (comment.split(/\n\s*\n/).at(-1) ?? '').split('\n').map((line) => line.trim())
  const doc = lines.filter((line) => line !== '' && !line.startsWith('@schema')).join(' ')
  if (doc === '') throw new Error(`values.yaml: ${path} has no comment`)
  const own = lines.find((line) => line.startsWith('@schema:'))?.slice('@schema:'.length)
  const { value } = pair
  const fallback: unknown = isMap(value) || !isScalar(value) ? toJson(value) : value.value
  if (isMap(value) && value.items.length > 0 && own === undefined)
    return { path, doc, fallback, schema: {}, children: readMap(value, `${path}.`) }
  return { path, doc, fallback, schema: leafSchema(path, fallback, own), children: [] }
}

function leafSchema(path: string, fallback: unknown, own = '{}'): JsonSchema {
  const schema = JSON.parse(own) as JsonSchema
  if ('type' in schema || 'enum' in schema) return schema
  if (typeof fallback === 'object') throw new Error(`values.yaml: ${path} needs an @schema line with its type`)
  return { type: typeof fallback === 'number' ? 'integer' : typeof fallback, ...schema }
}

const keyOf = (pair: Pair): Scalar => pair.key as Scalar

const toJson = (node: unknown): unknown =>
  typeof node === 'object' && node !== null && 'toJSON' in node ? (node as { toJSON(): unknown }).toJSON() : node
