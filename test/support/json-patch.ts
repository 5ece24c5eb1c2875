// Applies RFC 6902 operations strictly: a wrong pointer, index or parent is an error, as it is in the API server.

export interface Operation {
  readonly op: string
  readonly path: string
  readonly value?: unknown
}

/** @returns a changed copy. @throws TypeError when an operation cannot be applied. */
export function applyPatch<T>(document: T, operations: readonly Operation[]): T {
  let root: unknown = structuredClone(document)
  for (const operation of operations) root = apply(root, operation)
  return root as T
}

function apply(root: unknown, operation: Operation): unknown {
  const value = structuredClone(operation.value)
  const tokens = operation.path.split('/').slice(1).map(unescapeToken)
  const last = tokens.pop()
  if (last === undefined) return value
  const parent = tokens.reduce(step, root)
  if (Array.isArray(parent)) changeList(parent, last, { ...operation, value })
  else changeObject(parent, last, { ...operation, value })
  return root
}

function step(parent: unknown, token: string): unknown {
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, token))
    throw new TypeError(`no parent at ${token}`)
  return (parent as Record<string, unknown>)[token]
}

function changeList(list: unknown[], token: string, { op, path, value }: Operation): void {
  const index = token === '-' ? list.length : Number(token)
  const limit = op === 'add' ? list.length : list.length - 1
  if (!/^(?:-|0|[1-9]\d*)$/.test(token) || index > limit) throw new TypeError(`no such index: ${path}`)
  if (op === 'add') list.splice(index, 0, value)
  else if (op === 'replace') list[index] = value
  else throw new TypeError(`unsupported operation: ${op}`)
}

function changeObject(parent: unknown, token: string, { op, path, value }: Operation): void {
  if (typeof parent !== 'object' || parent === null) throw new TypeError(`no parent object: ${path}`)
  if (op === 'replace' && !Object.hasOwn(parent, token)) throw new TypeError(`nothing to replace: ${path}`)
  if (op !== 'add' && op !== 'replace') throw new TypeError(`unsupported operation: ${op}`)
  Object.defineProperty(parent, token, { value, writable: true, enumerable: true, configurable: true })
}

const unescapeToken = (token: string): string => {
  if (/~(?![01])/.test(token)) throw new TypeError(`bad escape: ${token}`)
  return token.replaceAll('~1', '/').replaceAll('~0', '~')
}
