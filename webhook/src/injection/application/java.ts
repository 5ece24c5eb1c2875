import { JKS_PASSWORD } from '@aws-outbound-jwt-injector/proxy/contract'
import type { Bypass } from './bypass.ts'
import type { Coverage } from './no-proxy-coverage.ts'
import { JAVA_BUNDLE } from './trust.ts'

/** Java's form of the hosts that are called directly; setting the property replaces the JDK's default. */
const DIRECT = [
  'localhost',
  '127.*',
  '[::1]',
  '169.254.*',
  '[fd00:ec2::254]',
  '[fd00:ec2::23]',
  '*.svc',
  '*.cluster.local',
  '10.*',
]

/** With `https: intercept`, as in NO_PROXY. */
const AWS = ['*.amazonaws.com', '*.amazonaws.com.cn', '*.api.aws']

interface Partners {
  readonly coverage: Coverage
  readonly intercepts: boolean
}

/** A JVM that is told so takes no HTTP_PROXY; these properties are its only way. */
export function javaOptions(port: number, extra: readonly string[], { coverage, intercepts }: Partners): string {
  const defaults = [...DIRECT, ...(intercepts ? AWS : [])].filter((entry) => coverage(entry) === undefined)
  const direct = [...new Set([...defaults, ...extra.filter((entry) => !entry.includes('/')).map(pattern)])]
  return [
    `-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=${port} ${NON_PROXY_HOSTS}=${direct.join('|')}`,
    ...(intercepts ? [`-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=${port}`, TRUST_STORE] : []),
  ].join(' ')
}

/** What makes a JVM trust the sidecar. */
export const TRUST_STORE = `-Djavax.net.ssl.trustStore=${JAVA_BUNDLE} -Djavax.net.ssl.trustStorePassword=${JKS_PASSWORD}`

/** A JVM compares with the host of the URL, where an IPv6 address stands in brackets. */
function pattern(entry: string): string {
  if (entry.startsWith('.')) return `*${entry}`
  return entry.split(':').length > 2 ? `[${entry}]` : entry
}

/**
 * @param wanted from `javaOptions`.
 * @returns whether a JVM takes our options from these: of a property given twice, the last counts. Other direct hosts may
 * stand in it, those of another version, as long as none is a partner.
 */
export function hasJavaOptions(options: string, wanted: string, coverage: Coverage): boolean {
  const chosen = new Map(options.split(/\s+/).map(property))
  return wanted.split(' ').every((option) => {
    const [name, value] = property(option)
    const actual = chosen.get(name)
    if (name !== NON_PROXY_HOSTS) return actual === value
    return actual?.split('|').every((entry) => coverage(entry)?.extent !== 'all') ?? false
  })
}

const NON_PROXY_HOSTS = '-Dhttp.nonProxyHosts'

function property(option: string): readonly [name: string, value: string] {
  const end = option.indexOf('=')
  return end < 0 ? [option, ''] : [option.slice(0, end), option.slice(end + 1)]
}

/** @returns the first property in the options of a JVM that chooses its proxy. */
export function javaProxyProperty(options: string): string | undefined {
  return /-Dhttp\.proxy\w*/.exec(options)?.[0]
}

/** @returns the first property in the options of a JVM that chooses its trust store. */
export function javaTrustStore(options: string): string | undefined {
  return /-Djavax\.net\.ssl\.trustStore\w*/.exec(options)?.[0]
}

/** @returns the first property in the options of a JVM that names its proxy. @param https whether that for `https://` URLs counts. */
export function javaProxyHost(options: string, https: boolean): string | undefined {
  return (https ? /-Dhttps?\.proxyHost/ : /-Dhttp\.proxyHost/).exec(options)?.[0]
}

/** @returns what a JVM with these options calls without its proxy. A pattern begins or ends with `*`. */
export function javaBypass(options: string): Bypass {
  const [, list = ''] = /-Dhttp\.nonProxyHosts=["']?([^\s"']*)/.exec(options) ?? []
  const patterns = list.toLowerCase().split('|')
  const ends = patterns.filter((text) => text.startsWith('*'))
  const starts = patterns.filter((text) => text.endsWith('*') && !text.startsWith('*'))
  return {
    names: new Set(patterns),
    starts: starts.map((text) => text.slice(0, -1)),
    ends: ends.map((text) => text.slice(1)),
  }
}

/** Whether a JVM with these options reads another hosts file than `/etc/hosts`. */
export const hasHostsFile = (options: string): boolean => options.includes('-Djdk.net.hosts.file=')

/** @returns the first property in the options of a JVM that chooses its trust store, or its proxy for https. */
export function javaTrustProperty(options: string): string | undefined {
  return /-D(?:https\.proxy|javax\.net\.ssl\.trustStore)\w*/.exec(options)?.[0]
}
