import type {
  ApiConstructor,
  ApiType,
  ObservableMiddleware,
  PatchStrategy,
  RequestContext,
} from '@kubernetes/client-node'
import { KubeConfig, Observable } from '@kubernetes/client-node'
import { SettingsError } from '@aws-outbound-jwt-injector/proxy/runtime'

/** No call of ours is larger than a Secret; an API server that takes longer is not there. */
const CALL_TIMEOUT_MS = 10_000
/** Who changed a field, as `managedFields` and audit logs show it. */
export const FIELD_MANAGER = 'aws-outbound-jwt-injector'

/** What the client falls back to when it finds neither. */
const NOWHERE = 'http://localhost:8080'

/**
 * Reads where the API server is: KUBECONFIG, else the service account of the pod. The client re-reads a token file every minute, so
 * rotated tokens are picked up.
 * @throws SettingsError when there is neither.
 */
export function loadKubeConfig(): KubeConfig {
  const config = new KubeConfig()
  try {
    config.loadFromDefault()
  } catch {
    throw missing('a readable kubeconfig')
  }
  if (config.getCurrentCluster()?.server === NOWHERE)
    throw missing('a kubeconfig, or a pod with automountServiceAccountToken: true')
  return config
}

function missing(allowed: string): SettingsError {
  return new SettingsError([{ where: 'KUBECONFIG', value: '', allowed: `${allowed}; CERTIFICATE_MODE=self needs one` }])
}

export interface CallOptions {
  readonly contentType?: (typeof PatchStrategy)[keyof typeof PatchStrategy]
}

/** Makes a client of one API group. */
export const clientOf = <T extends ApiType>(config: KubeConfig, api: ApiConstructor<T>): T => config.makeApiClient(api)

/** @returns options for one call: a limit in time, and the kind of patch where it is one. */
export function callOptions({ contentType }: CallOptions = {}): {
  middleware: ObservableMiddleware[]
  middlewareMergeStrategy: 'append'
} {
  const pre = (context: RequestContext): Observable<RequestContext> => {
    context.setSignal(AbortSignal.timeout(CALL_TIMEOUT_MS))
    if (contentType) context.setHeaderParam('Content-Type', contentType)
    return new Observable(Promise.resolve(context))
  }
  return {
    middleware: [{ pre, post: (response) => new Observable(Promise.resolve(response)) }],
    middlewareMergeStrategy: 'append',
  }
}
