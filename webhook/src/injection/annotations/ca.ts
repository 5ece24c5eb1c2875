import type { Parser, Report } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  accepted,
  isRecord,
  refused,
  rejectUnknown,
  show,
  stringField,
} from '@aws-outbound-jwt-injector/proxy/contract'

/** A ConfigMap with the only trust anchors for the hosts of one route. */
export interface CaBundle {
  /** Index of the route: names the volume, so that two routes never share one. */
  readonly index: number
  readonly configMap: string
  readonly key: string
}

const FILE = 'ca.crt'

const configMapName: Parser<string> = (value) =>
  value.length <= 253 && /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(value)
    ? accepted(value)
    : refused('the name of a ConfigMap')

const configMapKey: Parser<string> = (value) =>
  /^[-._a-zA-Z0-9]{1,253}$/.test(value) && value !== '.' && !value.startsWith('..')
    ? accepted(value)
    : refused('a key of the ConfigMap')

/** Parses `{configMap: name, key: ca.crt}`. */
export function parseCa(
  value: unknown,
  { index, where }: { readonly index: number; readonly where: string },
  report: Report,
): CaBundle | undefined {
  if (!isRecord(value)) {
    report({ where, value: show(value), allowed: '{configMap: the name of a ConfigMap, key: a key of it}' })
    return undefined
  }
  rejectUnknown(value, ['configMap', 'key'], where, report)
  const configMap = stringField(configMapName)(value['configMap'], `${where}.configMap`, report)
  const key = stringField(configMapKey)(value['key'], `${where}.key`, report)
  return configMap === undefined || key === undefined ? undefined : { index, configMap, key }
}

const mountPath = ({ index }: CaBundle): string => `/var/run/secrets/outbound-jwt.io/ca/${index}`

/** @returns the path of the trust anchors inside the sidecar. */
export function caFile(ca: CaBundle): string {
  return `${mountPath(ca)}/${FILE}`
}

export function caVolume(ca: CaBundle): { readonly name: string } {
  const volume = {
    name: `aws-outbound-jwt-ca-${ca.index}`,
    configMap: { name: ca.configMap, items: [{ key: ca.key, path: FILE }] },
  }
  return volume
}

export function caMount(ca: CaBundle): object {
  return { name: caVolume(ca).name, mountPath: mountPath(ca), readOnly: true }
}
