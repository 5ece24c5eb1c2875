import { JKS_PASSWORD } from '@aws-outbound-jwt-injector/proxy/contract'
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
    `-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=${port} -Dhttp.nonProxyHosts=${direct.join('|')}`,
    ...(intercepts ? [`-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=${port}`, TRUST_STORE] : []),
  ].join(' ')
}

const TRUST_STORE = `-Djavax.net.ssl.trustStore=${JAVA_BUNDLE} -Djavax.net.ssl.trustStorePassword=${JKS_PASSWORD}`

/** A JVM compares with the host of the URL, where an IPv6 address stands in brackets. */
function pattern(entry: string): string {
  if (entry.startsWith('.')) return `*${entry}`
  return entry.split(':').length > 2 ? `[${entry}]` : entry
}

/** @returns the first property in the options of a JVM that chooses its proxy. */
export function javaProxyProperty(options: string): string | undefined {
  return /-Dhttp\.proxy\w*/.exec(options)?.[0]
}

/** @returns the first property in the options of a JVM that chooses its trust store, or its proxy for https. */
export function javaTrustProperty(options: string): string | undefined {
  return /-D(?:https\.proxy|javax\.net\.ssl\.trustStore)\w*/.exec(options)?.[0]
}
