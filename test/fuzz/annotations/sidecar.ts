// What the proxy makes of what the webhook wrote.
import { readConfig } from '../../../proxy/src/config.ts'
import type { ProxyConfig } from '../../../proxy/src/config.ts'
import { compileRules } from '../../../proxy/src/routing/rules.ts'
import { allContainers, list, nameOf } from '../../support/injection/object.ts'
import type { EnvVar } from '../../support/kubelet.ts'
import { containerEnvironment } from '../../support/kubelet.ts'
import type { Partner } from './oracle.ts'
import { isNamed } from './oracle.ts'

const FIELDS = { 'metadata.name': 'orders', 'metadata.namespace': 'shop' }

/** @returns the settings the sidecar of an injected pod starts with. @throws when it would not start. */
export function sidecarConfig(pod: unknown): ProxyConfig {
  const sidecar = allContainers(pod).find((container) => nameOf(container) === 'aws-outbound-jwt-proxy')
  if (!sidecar) throw new Error('injected without a sidecar')
  return readConfig(containerEnvironment(list(sidecar['env']) as unknown as readonly EnvVar[], FIELDS))
}

/** Checks that the proxy gives tokens to exactly the named partners, each for its own audience. @throws when it does not. */
export function checkPartners({ routes }: ProxyConfig, partners: readonly Partner[]): void {
  const configured = routes.flatMap(({ hosts, audience }) => hosts.map((host) => ({ host, audience })))
  const [wanted, got] = [partners, configured].map(inOrder)
  if (wanted !== got) throw new Error(`the pod names ${wanted}, the proxy serves ${got}`)
  const rules = compileRules(routes)
  for (const host of partners.flatMap(neighbours))
    if ((rules.match(host) !== undefined) !== isNamed(host, partners))
      throw new Error(`${host} is ${isNamed(host, partners) ? '' : 'not '}named by ${wanted}, and the proxy disagrees`)
}

const inOrder = (partners: readonly Partner[]): string =>
  partners
    .map(({ host, audience }) => JSON.stringify({ host, audience }))
    .sort()
    .join()

/** Hosts at which a careless comparison fails. */
function neighbours({ host }: Partner): readonly string[] {
  const bare = host.replace(/^\*\./, '').replace(/:\d+$/, '')
  return [
    bare,
    `x.${bare}`,
    `x.y.${bare}`,
    `x${bare}`,
    `${bare}.evil.example`,
    bare.replace(/^[^.]*\./, ''),
    'evil.example',
  ]
}
