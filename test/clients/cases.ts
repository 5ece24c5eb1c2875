/** What every client calls, one process per call. The names are those of the world in world.ts. */
export const CASES = {
  partner: 'http://api.partner.example/orders',
  partnerTls: 'https://api.partner.example/orders',
  other: 'http://other.example/',
  otherTls: 'https://other.example/',
  localhost: 'http://localhost/',
  loopback: 'http://127.0.0.1/',
  loopback6: 'http://[::1]/',
  /** In NO_PROXY as an address. */
  address: 'http://10.96.0.1/',
  /** In NO_PROXY only within 10.0.0.0/8. */
  network: 'http://10.20.30.40/',
  service: 'http://orders.shop.svc/',
  cluster: 'http://orders.shop.svc.cluster.local/',
  /** Not in NO_PROXY: no suffix would cover it. */
  shortName: 'http://orders/',
  metadata: 'http://169.254.169.254/',
  metadata6: 'http://[fd00:ec2::254]/',
  ecsCredentials: 'http://169.254.170.2/',
  podIdentity: 'http://169.254.170.23/',
} as const

export type Case = keyof typeof CASES

const INTERCEPT = {
  'outbound-jwt.io/https': 'intercept',
  'outbound-jwt.io/extra-ca': 'authorities/ca.crt',
} as const

/** What the pod of a world says beyond its partner, and what is called in it. */
export const MODES = {
  refuse: { annotations: {}, cases: Object.keys(CASES) as readonly Case[] },
  intercept: { annotations: INTERCEPT, cases: ['partner', 'partnerTls', 'otherTls'] },
  hosts: {
    annotations: { ...INTERCEPT, 'outbound-jwt.io/steering': 'hosts' },
    cases: ['partner', 'partnerTls', 'other', 'otherTls'],
  },
} as const satisfies Readonly<
  Record<string, { readonly annotations: Readonly<Record<string, string>>; readonly cases: readonly Case[] }>
>

export type Mode = keyof typeof MODES

/**
 * How a call left: `absolute` (the whole URL to the proxy), `connect` (a tunnel, TLS inside), `connect-plain` (a tunnel, plain HTTP inside),
 * `connect-refused` (a tunnel that was not granted), `steered` (to the proxy by its name), `direct` (past the proxy), `none` (nowhere).
 */
export type Way = 'absolute' | 'connect' | 'connect-plain' | 'connect-refused' | 'steered' | 'direct' | 'none'

/** What one call did. */
export interface Observation {
  readonly way: Way
  /** Requests or tunnels the proxy was asked for. */
  readonly attempts: number
  /** The status the client saw; null when it saw none. */
  readonly status: number | null
  /** What the client said instead of a status. */
  readonly says?: string
}

/** One client's row, as recorded. */
export interface Row {
  readonly client: string
  readonly version: string
  readonly observations: {
    readonly [Name in Mode]: Readonly<Record<(typeof MODES)[Name]['cases'][number], Observation>>
  }
}

/** A client that was not run, and why. */
export interface Skipped {
  readonly client: string
  readonly reason: string
}

export interface Recording {
  readonly rows: readonly Row[]
  readonly skipped: readonly Skipped[]
}
