/** How long the other side of a request may be silent. */
export interface Patience {
  /** Until the response head. */
  readonly headMs: number
  /** Within a body, either way. */
  readonly bodyMs: number
}

/** Bounds of the data port, next to that of memory. MAX_CONNECTIONS is the operator's; tests pass smaller ones, nobody else may, so that a sidecar's worst case is known. */
export interface Limits {
  /** Request line and fields together. */
  readonly headBytes: number
  readonly headFields: number
  readonly clientSockets: number
  /**
   * Requests between their head and the end of their response. As many as connections: HTTP/1.1 has one at a time on each, and whoever
   * sends a thousand first requests at once is to be served.
   */
  readonly inFlight: number
  /** Pipelined requests of a connection that wait behind another; apt, which calls by HTTP_PROXY, sends ten. */
  readonly waitingRequests: number
  /** Until a request head is complete. */
  readonly headMs: number
  /** Idle connection of a client; longer than what clients keep theirs for. */
  readonly keepAliveMs: number
  /** Silence within a body, either way. */
  readonly bodyIdleMs: number
  /** Silence of a host without a rule, before its response and within it: the same as in a tunnel, because nobody chose this proxy for it. */
  readonly unruledMs: number
  /** How much longer than the partner a client may be silent, so that the partner's own limit speaks first. */
  readonly silenceMarginMs: number
  /** Bodies up to this are held, so that they can be sent again; longer ones are streamed. */
  readonly bufferedBytes: number
  /** TCP and TLS together, name resolution included; and as long a request waits for its turn when nobody gets one. */
  readonly connectMs: number
  /**
   * Connections being made to an origin at a time. A burst of first requests is served by a few connections sooner than by one for each:
   * a TLS handshake costs as much as ten requests.
   */
  readonly dials: number
  /** Idle connection to a partner; shorter than what load balancers keep (60 s and more). */
  readonly upstreamIdleMs: number
  /** DNS failover: a connection in constant use still ends. */
  readonly upstreamAgeMs: number
  /** After SIGTERM an idle connection stays this long, because its client may just be writing to it. */
  readonly lingerMs: number
  /** Silence in a tunnel, both ways. */
  readonly tunnelIdleMs: number
}

/** Where memory allows as many; an operator who says another number is believed, and memory is not asked. */
const CONNECTIONS = 1024

export const LIMITS: Limits = {
  headBytes: 64 * 1024,
  headFields: 200,
  clientSockets: CONNECTIONS,
  inFlight: CONNECTIONS,
  waitingRequests: 32,
  headMs: 15_000,
  keepAliveMs: 120_000,
  bodyIdleMs: 300_000,
  unruledMs: 3_600_000,
  silenceMarginMs: 30_000,
  bufferedBytes: 64 * 1024,
  connectMs: 10_000,
  dials: 64,
  upstreamIdleMs: 30_000,
  upstreamAgeMs: 300_000,
  lingerMs: 1_000,
  tunnelIdleMs: 3_600_000,
}

/**
 * Streams of an HTTP/2 connection that may be given up before the next ones go to another. What such a stream had not written yet counts against
 * the memory of its connection for good (Node 26.10); past 10 MB every stream is reset with ENHANCE_YOUR_CALM. A stream holds 80 KiB at most.
 */
export const STREAMS_GIVEN_UP = 100

/** Until the next address of a partner is tried. Node's default of 250 ms gives up on partners on the other side of the world. */
export const ATTEMPT_MS = 1_000
