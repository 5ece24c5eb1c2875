/**
 * Bytes of memory that something holds for as long as it lasts: measured as a memory cgroup counts it, kernel included, with a
 * thousand of each at a time; HTTP/2 and tunnels with three hundred.
 */
export const HOLDS = {
  /** A request, its connection to the client included, before it has one to its partner. */
  request: 24 * 1024,
  /** A connection to a partner, three quarters of it TLS. */
  upstream: 84 * 1024,
  /** A connection on which the proxy ends TLS in place of the partner. */
  intercepted: 64 * 1024,
  /** What HTTP/2 adds to a connection, on either side. */
  http2: 24 * 1024,
  /** What is added by a response or a tunnel that is not read, on both connections; up to 4 MiB more may be in the kernel. */
  unread: 128 * 1024,
  /** Both connections of a tunnel whose bytes pass as they are: 12 KiB until something has passed, 27 from then on. */
  tunnel: 32 * 1024,
} as const

/** How many times its length a body takes while it passes: in the sockets, held so that it can be sent again, encrypted. */
const BODY_FACTOR = 3

/** Of an idle process, and of the pages of its program that it cannot do without. */
const IDLE_BYTES = 80 << 20
/** What there is all the same in less memory than a sidecar should have. */
const LEAST_BYTES = 12 << 20

/** Of a head: contained in what every request holds. */
const USUAL_HEAD_BYTES = 8 * 1024
/** How many times the rest of a longer one is held: as it came, and as it goes on. */
const HEAD_FACTOR = 2

/** @returns what a request holds until it is over. @param bodyBytes as many as are buffered of it at a time. @param headBytes all of them. */
export function requestBytes(bodyBytes: number, headBytes = 0): number {
  return HOLDS.request + BODY_FACTOR * bodyBytes + HEAD_FACTOR * Math.max(0, headBytes - USUAL_HEAD_BYTES)
}

/** A part of the memory that requests and connections may hold together. */
export interface MemoryShare {
  /** @returns whether there are as many; whoever takes them gives them back. */
  takes(bytes: number): boolean
  /** The same for what others have precedence over: some is always left to them. */
  takesSpare(bytes: number): boolean
  gives(bytes: number): void
  /** @returns whether somebody has been refused since the last call, and nothing has been given back since. */
  hasRefused(): boolean
}

export type Shortage = 'none' | 'some' | 'severe'

/** Past it the kernel would end the process, and everything it is doing. */
export interface MemoryBudget {
  /** With the connections of clients. */
  readonly requests: MemoryShare
  /** Connections to partners. */
  readonly connections: MemoryShare
  /** Whether little is left, whatever was counted here; or so little that the process may be ended any moment. */
  shortage(): Shortage
}

interface Part {
  held: number
  hasRefused: boolean
  /** Nobody else gets these, even while nothing is held. */
  readonly least: number
}

/** Of the limit. A larger one does not make the process grow more before somebody looks again, and some systems call none the largest number. */
const SHORT = { share: 1 / 4, bytes: 32 << 20 }
const SEVERELY = { share: 1 / 16, bytes: 8 << 20 }
/** Of what may be held: left to those who do not take what is spare. */
const KEPT = 1 / 8

/**
 * Divides what a limit leaves as it is asked for. However many requests there are, 64 have a connection; however many connections, a
 * quarter is for requests that wait for one.
 * @param limit of the process's memory, in bytes; 0 is none.
 * @param available bytes that are left of it now, as the kernel counts, and what it would give up before it ended the process.
 */
export function createMemoryBudget(limit: number, available: () => number = () => Infinity): MemoryBudget {
  const total = limit === 0 ? Infinity : Math.max(limit - IDLE_BYTES, LEAST_BYTES)
  const requests: Part = { held: 0, hasRefused: false, least: limit === 0 ? 0 : total / 4 }
  const connections: Part = { held: 0, hasRefused: false, least: 64 * HOLDS.upstream }
  const kept = limit === 0 ? 0 : total * KEPT
  return {
    requests: share(requests, connections),
    connections: share(connections, requests),
    shortage: () => {
      if (limit === 0) return 'none'
      const left = available()
      const isBelow = ({ bytes, share }: typeof SHORT): boolean => left < Math.min(bytes, limit * share)
      if (isBelow(SEVERELY)) return 'severe'
      return isBelow(SHORT) ? 'some' : 'none'
    },
  }

  function share(own: Part, other: Part): MemoryShare {
    const takes = (bytes: number, left: number): boolean => {
      if (own.held + bytes > total - Math.max(other.held, other.least) - left) return false
      own.held += bytes
      return true
    }
    return {
      takes: (bytes) => {
        const isTaken = takes(bytes, 0)
        if (!isTaken) own.hasRefused = true
        return isTaken
      },
      takesSpare: (bytes) => takes(bytes, kept),
      gives: (bytes) => {
        own.held -= bytes
        // Who was refused gives nothing back.
        if (bytes > 0) own.hasRefused = false
      },
      hasRefused: () => {
        const { hasRefused } = own
        own.hasRefused = false
        return hasRefused
      },
    }
  }
}
