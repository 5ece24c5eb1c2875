import type { OutboundIssuer } from './account/issuer.ts'
import type { State } from './account/state.ts'
import type { FakeCluster } from './clusters/fake-cluster.ts'
import type { PublicDocument } from './service.ts'

/** The documents that anybody may read: of the account's issuer and of the emulator's own cluster, by path. */
export function publicDocuments(
  issuer: OutboundIssuer,
  cluster: FakeCluster,
  state: State,
): Readonly<Record<string, PublicDocument>> {
  const profile = (): 2025 | 2026 => state.get().discoveryProfile
  const paths = { issuer: new URL(issuer.issuer).pathname, cluster: new URL(cluster.issuer).pathname }
  return {
    [`${paths.issuer}/.well-known/openid-configuration`]: {
      operation: 'Discovery',
      read: () => issuer.discovery(profile()),
    },
    [`${paths.issuer}/.well-known/jwks.json`]: { operation: 'Jwks', read: () => issuer.jwks(profile()) },
    [`${paths.cluster}/.well-known/openid-configuration`]: {
      operation: 'ClusterDiscovery',
      read: () => cluster.discovery,
    },
    [`${paths.cluster}/keys`]: { operation: 'ClusterJwks', read: cluster.publicKeys },
  }
}
