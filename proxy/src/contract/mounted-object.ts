// What an author names in the namespace of the pod, and the sidecar reads as files: the annotation has the name of the
// object, ROUTES has a path.
import type { FieldParser } from './fields.ts'
import { hiddenField, isRecord, kindOf, rejectUnknown, show, stringField } from './fields.ts'
import type { Parser } from './parsers.ts'
import { accepted, refused } from './parsers.ts'
import type { Report } from './problem.ts'

/** Becomes a volume of the pod, mounted in the sidecar alone. */
export interface MountedObject {
  /** Names the volume and its directory, together with the index of the route that names it. */
  readonly purpose: string
  /** Source of the volume, as Kubernetes writes it. */
  readonly source:
    | { readonly configMap: { readonly name: string; readonly items: MountedKey[] } }
    | { readonly secret: { readonly secretName: string; readonly items: MountedKey[] } }
    | { readonly projected: { readonly sources: { readonly serviceAccountToken: ProjectedToken }[] } }
}

interface MountedKey {
  readonly key: string
  readonly path: string
}

interface ProjectedToken {
  readonly audience: string
  readonly expirationSeconds: number
  readonly path: string
}

/** Keys of a Secret of type kubernetes.io/tls, and its files in their volume. */
export const TLS_FILES = { cert: 'tls.crt', key: 'tls.key' } as const

/** How trust anchors are called in their volume, whatever their key in the ConfigMap is. */
export const CA_FILE = 'ca.crt'

/** How the credentials for an egress proxy are called in theirs. */
export const EGRESS_CREDENTIALS_FILE = 'credentials'

/** Asks for an object to be mounted. @returns the directory in which the sidecar finds its files. */
export type Mount = (object: MountedObject) => string

/** Parses a value as an author writes it; what it names is mounted. @returns the value that ROUTES has. */
export type WrittenParser<T> = (value: unknown, where: string, report: Report, mount: Mount) => T | undefined

const nameOf =
  (kind: string): Parser<string> =>
  (value) =>
    value.length <= 253 && /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(value)
      ? accepted(value)
      : refused(`the name of a ${kind}`)

const keyOf =
  (kind: string): Parser<string> =>
  (value) =>
    /^[-._a-zA-Z0-9]{1,253}$/.test(value) && value !== '.' && !value.startsWith('..')
      ? accepted(value)
      : refused(`a key of the ${kind}`)

const configMapName = nameOf('ConfigMap')
const configMapKey = keyOf('ConfigMap')

const configMapReference: FieldParser<{ readonly name: string; readonly key: string }> = (value, where, report) => {
  if (!isRecord(value)) {
    report({ where, value: show(value), allowed: '{configMap: the name of a ConfigMap, key: a key of it}' })
    return undefined
  }
  rejectUnknown(value, ['configMap', 'key'], where, report)
  const name = stringField(configMapName)(value['configMap'], `${where}.configMap`, report)
  const key = stringField(configMapKey)(value['key'], `${where}.key`, report)
  return name === undefined || key === undefined ? undefined : { name, key }
}

/** `name/key` of a ConfigMap, of which the sidecar reads one file; see `configMapFile`. */
export const configMapText =
  (purpose: string, path: string): Parser<MountedObject> =>
  (value) => {
    const slash = value.indexOf('/')
    const name = configMapName(value.slice(0, Math.max(slash, 0)))
    const key = configMapKey(value.slice(slash + 1))
    return name.ok && key.ok
      ? accepted({ purpose, source: { configMap: { name: name.value, items: [{ key: key.value, path }] } } })
      : refused('the name of a ConfigMap and a key of it, such as corporate-ca/ca.crt')
  }

const secretName = nameOf('Secret')
const secretKey = keyOf('Secret')

/**
 * `name/key` of a Secret, of which the sidecar reads one file; see `secretFile`.
 * SECURITY: for `hiddenField`: what is refused may be the secret itself.
 */
export const secretText =
  (purpose: string, path: string): Parser<MountedObject> =>
  (value) => {
    const slash = value.indexOf('/')
    const name = secretName(value.slice(0, Math.max(slash, 0)))
    const key = secretKey(value.slice(slash + 1))
    return name.ok && key.ok
      ? accepted({ purpose, source: { secret: { secretName: name.value, items: [{ key: key.value, path }] } } })
      : refused('the name of a Secret and a key of it, such as corporate-proxy/credentials')
  }

/**
 * `{configMap: name, key: ca.crt}`, of which the sidecar reads one file.
 * @param purpose names the volume, see `MountedObject`.
 * @param path of the file in the volume, whatever its key in the ConfigMap is.
 */
export const configMapFile =
  (purpose: string, path: string): WrittenParser<string> =>
  (value, where, report, mount) => {
    const reference = configMapReference(value, where, report)
    if (reference === undefined) return undefined
    const { name, key } = reference
    return `${mount({ purpose, source: { configMap: { name, items: [{ key, path }] } } })}/${path}`
  }

/**
 * `{secret: name, key: password}`, of which the sidecar reads one file.
 * SECURITY: no report repeats a value: it may be the secret.
 * @param purpose names the volume, see `MountedObject`.
 * @param path of the file in the volume, whatever its key in the Secret is.
 */
export const secretFile =
  (purpose: string, path: string): WrittenParser<string> =>
  (value, where, report, mount) => {
    if (!isRecord(value)) {
      const allowed = '{secret: the name of a Secret, key: a key of it}; never the secret itself'
      report({ where, value: kindOf(value), allowed })
      return undefined
    }
    rejectUnknown(value, ['secret', 'key'], where, report)
    const name = hiddenField(secretName)(value['secret'], `${where}.secret`, report)
    const key = hiddenField(secretKey)(value['key'], `${where}.key`, report)
    if (name === undefined || key === undefined) return undefined
    return `${mount({ purpose, source: { secret: { secretName: name, items: [{ key, path }] } } })}/${path}`
  }

/**
 * `{secret: name}` of a Secret of type kubernetes.io/tls, of which the sidecar reads `TLS_FILES`.
 * SECURITY: no report repeats a value: it may be the key.
 * @param purpose names the volume, see `MountedObject`.
 * @returns the directory.
 */
export const tlsSecretDirectory =
  (purpose: string): WrittenParser<string> =>
  (value, where, report, mount) => {
    if (!isRecord(value)) {
      const allowed = '{secret: the name of a Secret of type kubernetes.io/tls}; never the key itself'
      report({ where, value: kindOf(value), allowed })
      return undefined
    }
    rejectUnknown(value, ['secret'], where, report)
    const name = hiddenField(nameOf('Secret'))(value['secret'], `${where}.secret`, report)
    if (name === undefined) return undefined
    const items = Object.values(TLS_FILES).map((key) => ({ key, path: key }))
    return mount({ purpose, source: { secret: { secretName: name, items } } })
  }
