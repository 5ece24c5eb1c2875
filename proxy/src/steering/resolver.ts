import type { LookupAddress } from 'node:dns'
import { parseIpv4, parseIpv6 } from '../contract/ip.ts'
import { errorCode } from '../runtime/index.ts'

export type Family = 4 | 6

/** Questions to the name servers. An answer without addresses is an error, too; its code is one of c-ares. */
export interface Questions {
  addresses(name: string, family: Family): Promise<readonly string[]>
  /** Whatever is not answered then fails. */
  cancel(): void
}

export interface ResolverDeps {
  readonly begin: () => Questions
  /** Appended to names of one label. */
  readonly search: readonly string[]
  /** The families that this machine can call at all; asked for each time. */
  readonly families: () => readonly Family[]
  /** For all questions about one name. */
  readonly limitMs: number
}

/**
 * Resolves a name to its addresses, at least one.
 * @param family 0: both.
 * @throws ResolutionError
 */
export type Resolve = (host: string, family: 0 | Family) => Promise<readonly LookupAddress[]>

/** Codes as of getaddrinfo, in whose place this stands: ENOTFOUND for good, EAI_AGAIN for now. */
export class ResolutionError extends Error {
  override readonly name = 'ResolutionError'
  readonly code: 'ENOTFOUND' | 'EAI_AGAIN'

  constructor(host: string, causes: readonly unknown[]) {
    const codes = causes.map((cause) => errorCode(cause) ?? 'unknown')
    super(`no address for ${host} (${codes.join(', ')})`, { cause: causes[0] })
    this.code = codes.every((code) => NO_ADDRESS.has(code)) ? 'ENOTFOUND' : 'EAI_AGAIN'
  }
}

const NO_ADDRESS = new Set(['ENOTFOUND', 'ENODATA'])
const LOOPBACK: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/** Resolves names by the name servers alone. Nothing is kept: who asks again while a name is asked for waits for the same answer. */
export function createResolver(deps: ResolverDeps): Resolve {
  const underWay = new Map<string, Promise<readonly LookupAddress[]>>()

  return (host, family) => {
    if (parseIpv4(host) !== undefined) return Promise.resolve([{ address: host, family: 4 }])
    if (parseIpv6(host) !== undefined) return Promise.resolve([{ address: host, family: 6 }])
    // No question for a name server. RFC 6761 §6.3
    if (host === 'localhost') return Promise.resolve(LOOPBACK.filter((each) => family === 0 || each.family === family))
    const families = family === 0 ? deps.families() : [family]
    const key = `${host} ${families.join(' ')}`
    const known = underWay.get(key)
    if (known) return known
    const resolving = resolve(host, families, deps).finally(() => underWay.delete(key))
    underWay.set(key, resolving)
    return resolving
  }
}

/** Names with a dot are asked for as they are: what a search domain could add to one may be somebody else's. */
async function resolve(
  host: string,
  families: readonly Family[],
  { begin, search, limitMs }: ResolverDeps,
): Promise<readonly LookupAddress[]> {
  const names = host.includes('.') ? [host] : [...search.map((domain) => `${host}.${domain}`), host]
  const questions = begin()
  const limit = new AbortController()
  const late = setTimeout(() => {
    limit.abort()
    questions.cancel()
  }, limitMs)
  const failures: unknown[] = []
  try {
    for (const name of names) {
      const found = await ask(name, families, questions, failures)
      if (found.length > 0) return found
      if (limit.signal.aborted) break
    }
    throw new ResolutionError(host, failures)
  } finally {
    clearTimeout(late)
    questions.cancel()
  }
}

/** An IPv4 address does not wait for IPv6, whose question some name servers never answer. @param failures gets what went wrong. */
async function ask(
  name: string,
  families: readonly Family[],
  questions: Questions,
  failures: unknown[],
): Promise<readonly LookupAddress[]> {
  const found: LookupAddress[] = []
  const asked = families.map((family) =>
    questions.addresses(name, family).then(
      (addresses) => void found.push(...addresses.map((address) => ({ address, family }))),
      (error: unknown) => void failures.push(error),
    ),
  )
  for (const answered of asked) {
    await answered
    if (found.some(({ family }) => family === 4)) break
  }
  // The order in which they came says nothing; the one of IPv4 needs no route that a pod may lack.
  return found.sort((one, other) => one.family - other.family)
}
