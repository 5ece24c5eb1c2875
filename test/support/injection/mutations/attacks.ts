// What somebody changes in an injected pod: another hook between two rounds, or an author by hand.
import type { Json } from '../object.ts'
import { allContainers, at, list, nameOf, object } from '../object.ts'

/** Changes an injected pod in place. @returns false when the pod has nothing to attack in this way. */
export type Attack = (pod: Json) => boolean

const SIDECAR = 'aws-outbound-jwt-proxy'

const sidecarOf = (pod: Json): Json =>
  list(at(pod, 'spec', 'initContainers')).find((container) => nameOf(container) === SIDECAR) ?? {}

const spec = (pod: Json): Json => object(at(pod, 'spec'))

/** Sets a member where a path into the sidecar leads. */
const onSidecar =
  (path: readonly string[], value: unknown): Attack =>
  (pod) => {
    const parent = path.slice(0, -1).reduce((container, name) => {
      container[name] = object(container[name])
      return object(container[name])
    }, sidecarOf(pod))
    parent[path.at(-1) ?? ''] = value
    return true
  }

const onSpec =
  (name: string, value: unknown): Attack =>
  (pod) => {
    const before = JSON.stringify(spec(pod)[name])
    spec(pod)[name] = value
    return before !== JSON.stringify(value)
  }

/** Appends to a list of the sidecar. */
const appended =
  (name: string, entry: unknown): Attack =>
  (pod) => {
    const sidecar = sidecarOf(pod)
    sidecar[name] = [...list(sidecar[name]), entry]
    return true
  }

/** Changes, or takes away, one of the entries that the sidecar has in a list. */
const oneOf =
  (name: string, which: number, change: (entry: Json) => Json | undefined): Attack =>
  (pod) => {
    const sidecar = sidecarOf(pod)
    const entries = list(sidecar[name])
    const entry = entries[which % Math.max(entries.length, 1)]
    if (entry === undefined) return false
    const changed = change(entry)
    sidecar[name] = entries.flatMap((other) => (other === entry ? (changed ?? []) : [other]))
    return true
  }

/** Variables of the first container that has some of ours. */
const onApplication =
  (change: (env: readonly Json[]) => readonly Json[]): Attack =>
  (pod) => {
    const container = allContainers(pod).find(({ env }) =>
      list(env).some(
        ({ name, value }) => name === 'HTTP_PROXY' && /^http:\/\/127\.0\.0\.1:1[56]400$/.test(String(value)),
      ),
    )
    if (container === undefined) return false
    container['env'] = change(list(container['env']))
    return true
  }

const ourVolume =
  (change: (volume: Json) => readonly Json[]): Attack =>
  (pod) => {
    const volumes = list(spec(pod)['volumes'])
    const ours = volumes.find((volume) => nameOf(volume).startsWith('aws-outbound-jwt-'))
    if (ours === undefined) return false
    spec(pod)['volumes'] = volumes.flatMap((volume) => (volume === ours ? change(volume) : [volume]))
    return true
  }

/** Where the hosts of partners lead, in pods whose hosts file says it. */
const onAliases =
  (change: (aliases: readonly Json[]) => readonly Json[]): Attack =>
  (pod) => {
    const aliases = list(spec(pod)['hostAliases'])
    if (!JSON.stringify(aliases).includes('a.partner.example')) return false
    spec(pod)['hostAliases'] = change(aliases)
    return true
  }

const mountsPrivateVolume: Attack = (pod) => {
  const name = list(spec(pod)['volumes'])
    .map(nameOf)
    .find((volume) => volume.startsWith('aws-outbound-jwt-') && volume !== 'aws-outbound-jwt-trust')
  const [container] = list(spec(pod)['containers'])
  if (name === undefined || container === undefined) return false
  container['volumeMounts'] = [...list(container['volumeMounts']), { name, mountPath: '/stolen', readOnly: true }]
  return true
}

const proxy = { name: 'HTTP_PROXY', value: 'http://squid.example:3128' }
/** Not in the spellings that only an author has; what is not ours is not put back. */
const isInjectedProxy = (variable: Json): boolean => ['HTTP_PROXY', 'http_proxy'].includes(nameOf(variable))

/** An author may have a variable several times; the last one counts. */
function replaceLast(env: readonly Json[], name: string, change: (variable: Json) => Json): readonly Json[] {
  const last = env.findLast((variable) => nameOf(variable) === name)
  return env.map((variable) => (variable === last ? change(variable) : variable))
}

export const ATTACKS: Readonly<Record<string, Attack>> = {
  command: onSidecar(['command'], ['/bin/sh']),
  args: onSidecar(['args'], ['--eval', 'x']),
  envFrom: onSidecar(['envFrom'], [{ secretRef: { name: 'x' } }]),
  lifecycle: onSidecar(['lifecycle'], { preStop: { exec: { command: ['x'] } } }),
  workingDir: onSidecar(['workingDir'], '/data'),
  'volume devices': onSidecar(['volumeDevices'], [{ name: 'x', devicePath: '/dev/x' }]),
  'liveness command': onSidecar(['livenessProbe'], { exec: { command: ['x'] } }),
  'startup command': onSidecar(['startupProbe', 'exec'], { command: ['x'] }),
  'no startup probe': onSidecar(['startupProbe'], null),
  'no restart policy': onSidecar(['restartPolicy'], undefined),
  privileged: onSidecar(['securityContext', 'privileged'], true),
  'root allowed': onSidecar(['securityContext', 'runAsNonRoot'], false),
  'writable root': onSidecar(['securityContext', 'readOnlyRootFilesystem'], false),
  'added capability': onSidecar(['securityContext', 'capabilities', 'add'], ['NET_RAW']),
  'kept capabilities': onSidecar(['securityContext', 'capabilities'], { drop: ['NET_RAW'] }),
  'no security context': onSidecar(['securityContext'], null),
  'host port': oneOf('ports', 0, (port) => ({ ...port, hostPort: 15401 })),
  'another port': appended('ports', { containerPort: 9229 }),
  'no port': oneOf('ports', 0, () => undefined),
  NODE_OPTIONS: appended('env', { name: 'NODE_OPTIONS', value: '--require=/data/x.js' }),
  'a second ROUTES': appended('env', { name: 'ROUTES', value: '[{"hosts":["evil.example"]}]' }),
  'a second LISTEN_ADDR': appended('env', { name: 'LISTEN_ADDR', value: '0.0.0.0:15400' }),
  'a mount over the program': appended('volumeMounts', { name: 'data', mountPath: '/app' }),
  ...Object.fromEntries(
    Array.from({ length: 12 }, (_, which) => [
      [`another value of variable ${which}`, oneOf('env', which, ({ name }) => ({ name, value: 'other' }))],
      [
        `variable ${which} from a Secret`,
        oneOf('env', which, ({ name }) => ({ name, valueFrom: { secretKeyRef: {} } })),
      ],
      [`no variable ${which}`, oneOf('env', which, () => undefined)],
    ]).flat() as [string, Attack][],
  ),
  'another path of a mount': oneOf('volumeMounts', 0, (mount) => ({ ...mount, mountPath: '/elsewhere' })),
  'another volume of a mount': oneOf('volumeMounts', 1, (mount) => ({ ...mount, name: 'data' })),
  'part of a volume': oneOf('volumeMounts', 0, (mount) => ({ ...mount, subPath: 'x' })),
  'no mount': oneOf('volumeMounts', 0, () => undefined),
  'a second sidecar': (pod) => {
    spec(pod)['containers'] = [...list(spec(pod)['containers']), { name: SIDECAR, image: 'x' }]
    return true
  },
  'another source of a volume': ourVolume(({ name }) => [{ name, hostPath: { path: '/' } }]),
  'no volume': ourVolume(() => []),
  'a stolen volume': mountsPrivateVolume,
  hostNetwork: onSpec('hostNetwork', true),
  hostPID: onSpec('hostPID', true),
  shareProcessNamespace: onSpec('shareProcessNamespace', true),
  'no hosts of partners': onAliases((aliases) => aliases.map(({ ip }) => ({ ip, hostnames: [] }))),
  'another address of a partner': onAliases((aliases) => [
    ...aliases,
    { ip: '192.0.2.1', hostnames: ['a.partner.example'] },
  ]),
  windows: onSpec('os', { name: 'windows' }),
  'a Windows node': onSpec('nodeSelector', { 'kubernetes.io/os': 'windows' }),
  'another proxy': onApplication((env) =>
    env.map((variable) => (isInjectedProxy(variable) ? { ...variable, ...proxy } : variable)),
  ),
  'an appended proxy': onApplication((env) => [...env, proxy]),
  'a proxy from elsewhere': onApplication((env) => [...env, { name: 'http_proxy', valueFrom: { secretKeyRef: {} } }]),
  'no proxy': onApplication((env) => env.filter((variable) => !isInjectedProxy(variable))),
  'a direct partner': onApplication((env) =>
    replaceLast(env, 'no_proxy', (variable) =>
      variable['valueFrom'] === undefined ? { ...variable, value: '.example,.svc' } : variable,
    ),
  ),
  'no flag for Node': (pod) =>
    at(pod, 'metadata', 'annotations', 'outbound-jwt.io/runtimes') !== 'java' &&
    onApplication((env) =>
      replaceLast(env, 'NODE_USE_ENV_PROXY', (variable) =>
        variable['value'] === '1' ? { ...variable, value: 'off' } : variable,
      ),
    )(pod),
}
