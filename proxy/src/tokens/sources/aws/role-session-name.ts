/** STS's own bounds of RoleSessionName: `[\w+=,.@-]{2,64}`. */
const NAME_CHARACTERS = 64

/** Session name when the pod's own is not known. */
const UNNAMED = 'aws-outbound-jwt-proxy'

/**
 * Names the AWS session after the pod, so that CloudTrail does too: `<namespace>.<pod>`.
 * Too long a name loses its beginning: the end is what tells the pods of a Deployment apart.
 */
export function roleSessionName(namespace: string, pod: string): string {
  const name = [namespace, pod]
    .filter((part) => part !== '')
    .join('.')
    .replace(/[^\w+=,.@-]/g, '-')
    .slice(-NAME_CHARACTERS)
  return name.length < 2 ? UNNAMED : name
}
