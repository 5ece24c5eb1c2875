import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runTool } from './tools.ts'

interface Definition {
  properties?: Record<string, unknown>
  additionalProperties?: unknown
  type?: unknown
  format?: string
  'x-kubernetes-group-version-kind'?: readonly { group: string; version: string; kind: string }[]
}

/** Schemas for kubeconform from the API server of KUBECONFIG, as strict as --strict wants them. Call `remove` in the end. */
export function writeClusterSchemas(): { readonly location: string; readonly remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'kubernetes-schemas-'))
  const { definitions } = JSON.parse(runTool('kubectl', ['get', '--raw', '/openapi/v2'])) as {
    definitions: Record<string, Definition>
  }
  for (const [name, definition] of Object.entries(definitions)) {
    if (definition.properties) definition.additionalProperties ??= false
    // A number or a text, which OpenAPI 2 cannot say.
    if (definition.format === 'int-or-string' || name.endsWith('.api.resource.Quantity'))
      definitions[name] = { type: ['string', 'number'] }
  }
  writeFileSync(join(directory, '_definitions.json'), JSON.stringify({ definitions }))
  for (const [name, { 'x-kubernetes-group-version-kind': kinds = [] }] of Object.entries(definitions)) {
    if (kinds.length !== 1) continue
    for (const { group, version, kind } of kinds) {
      const file = [kind, ...(group === '' ? [] : [group.split('.')[0]]), version].join('-').toLowerCase()
      writeFileSync(join(directory, `${file}.json`), JSON.stringify({ $ref: `_definitions.json#/definitions/${name}` }))
    }
  }
  return {
    location: `${directory}/{{ .ResourceKind }}{{ .KindSuffix }}.json`,
    remove: () => rmSync(directory, { recursive: true }),
  }
}
