import type { HostPattern } from '@aws-outbound-jwt-injector/proxy/contract'
import { coverage } from './no-proxy.ts'

/** Java's form of the hosts that are called directly; setting the property replaces the JDK's default. */
const DIRECT = ['localhost', '127.*', '[::1]', '169.254.*', '*.svc', '*.cluster.local', '10.*']

/** A JVM that is told so takes no HTTP_PROXY; these properties are its only way. */
export function javaOptions(port: number, extra: readonly string[], partners: readonly HostPattern[]): string {
  const defaults = DIRECT.filter((entry) => !partners.some((partner) => coverage(entry, partner) !== 'none'))
  const direct = [...new Set([...defaults, ...extra.filter((entry) => !entry.includes('/')).map(pattern)])]
  return `-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=${port} -Dhttp.nonProxyHosts=${direct.join('|')}`
}

const pattern = (entry: string): string => (entry.startsWith('.') ? `*${entry}` : entry)

export const setsJavaProxy = (value: string): boolean => value.includes('-Dhttp.proxy')
