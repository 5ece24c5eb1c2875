/** A call that was answered with 403. */
export interface RefusedCall {
  readonly method: 'GET' | 'POST'
  /** Of the API, with its query. */
  readonly path: string
  /** The body of the answer as data; undefined where it was no JSON. */
  readonly answer: unknown
}

/**
 * SECURITY: the answer to a scrape is that of the pod. It may say whether a right is missing, never which one: that is read from the path
 * alone, or a pod could have an administrator grant what it likes.
 * @returns what RBAC does not let the caller do, such as `list pods in namespace shop`; undefined for what an admission webhook, a policy
 * or a quota refuses, with the same status.
 */
export function missingRight({ method, path, answer }: RefusedCall): string | undefined {
  const { reason, message } = (answer ?? {}) as { reason?: unknown; message?: unknown }
  if (reason !== 'Forbidden' || typeof message !== 'string') return undefined
  const { verb, resource, where } = neededFor(method, path)
  const [, saidVerb, saidResource] = FORBIDDEN.exec(message) ?? []
  return saidVerb === verb && saidResource === resource ? `${verb} ${resource} ${where}` : undefined
}

/** Source: forbiddenMessage in k8s.io/apiserver, pkg/endpoints/handlers/responsewriters/errors.go. */
const FORBIDDEN = / cannot (\S+) resource "([^"]+)"/

/** Namespace, kind, name and subresource. Source: RequestInfo in k8s.io/apiserver, pkg/endpoints/request/requestinfo.go. */
const PATH =
  /^\/(?:api\/[^/?]+|apis\/[^/?]+\/[^/?]+)(?:\/namespaces\/([^/?]+))?(?:\/([^/?]+))?(?:\/([^/?]+))?(?:\/([^/?]+))?/

function neededFor(
  method: RefusedCall['method'],
  path: string,
): Readonly<Record<'verb' | 'resource' | 'where', string>> {
  // A namespace stands in itself.
  const [, namespace, kind = 'namespaces', name = kind === 'namespaces' ? namespace : undefined, subresource] =
    PATH.exec(path) ?? []
  return {
    verb: method === 'POST' ? 'create' : name === undefined ? 'list' : 'get',
    resource: subresource === undefined ? kind : `${kind}/${subresource}`,
    where: namespace === undefined ? 'in the whole cluster' : `in namespace ${namespace}`,
  }
}
