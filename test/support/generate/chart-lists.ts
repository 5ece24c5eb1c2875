import {
  CREDENTIAL_VARIABLES,
  HARMLESS_PREFIXES,
  INJECTION_MARKS,
  SIDECAR_VARIABLES,
} from '../../../webhook/src/injection/sidecar/sidecar-variables.ts'
import { SHARED_VOLUMES, VOLUME_PREFIX } from '../../../webhook/src/injection/sidecar/volumes.ts'
import { CHART } from '../chart/values.ts'
import type { GeneratedDocument } from './documents.ts'

/** What the guard's expressions compare with, by the name of the template. */
const TEMPLATES: Readonly<Record<string, string>> = {
  'injector.sidecarVariables': list([...SIDECAR_VARIABLES, ...CREDENTIAL_VARIABLES]),
  'injector.harmlessPrefixes': list(HARMLESS_PREFIXES),
  'injector.injectionMarks': list(INJECTION_MARKS),
  'injector.volumePrefix': text(VOLUME_PREFIX),
  'injector.sharedVolumes': list(SHARED_VOLUMES),
}

/** Lists of the code for templates of the chart, as CEL writes them. */
export const documents = (): readonly GeneratedDocument[] => [
  {
    path: `${CHART}/templates/_lists.tpl`,
    content: [
      '{{/* Generated from the code by `npm run generate`; do not edit. */}}',
      ...Object.entries(TEMPLATES).map(define),
      '',
    ].join('\n'),
  },
]

const define = ([name, value]: readonly [string, string]): string => `{{- define "${name}" -}}${value}{{- end -}}`

function list(items: readonly string[]): string {
  return `[${items.map(text).join(', ')}]`
}

function text(item: string): string {
  return `'${item}'`
}
