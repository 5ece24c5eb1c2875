import { ProxyError } from '../errors.ts'
import type { Finding } from './report.ts'

/** The proxy by which everything leaves the pod. */
export interface EgressView {
  /** Without credentials. */
  readonly url: string
  /** Connects to it, and to nobody behind it. @throws ProxyError (as rejection). */
  readonly reach: () => Promise<void>
}

/** Looks at the hop alone: whether it lets the pod on to a partner or to STS is in their own findings. Never throws. */
export async function examineEgress({ url, reach }: EgressView): Promise<Finding> {
  const about = { id: 'egress', subject: url } as const
  try {
    await reach()
    return { ...about, verdict: 'pass', found: 'Accepts connections; partners and STS are called by it' }
  } catch (error) {
    const known = error instanceof ProxyError ? error : new ProxyError('internal_error', { cause: error })
    return { ...about, verdict: 'fail', found: known.message, fix: known.hint, reason: known.code }
  }
}
