/** Long enough for every Kubernetes name with its kind. */
const LONGEST = 300

/** @returns what a person knows the pod by, for logs: its owner, else its own name. */
export function podDisplayName(pod: unknown): string {
  const metadata = member(pod, 'metadata')
  const owner = member(member(metadata, 'ownerReferences'), '0')
  const name = text(member(metadata, 'name')) ?? text(member(metadata, 'generateName')) ?? 'unnamed'
  const kind = text(member(owner, 'kind'))
  return (kind === undefined ? name : `${kind}/${text(member(owner, 'name')) ?? 'unnamed'}`).slice(0, LONGEST)
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
