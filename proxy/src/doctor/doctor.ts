import type { HostPattern, Route } from '../contract.ts'
import { VERSION, formatHostPattern, parseHostPattern } from '../contract.ts'
import { ProxyError } from '../errors.ts'
import type { KeyPairInUse } from '../runtime/index.ts'
import type { TokenFiles } from '../tokens/files.ts'
import { within } from '../tokens/time.ts'
import type { AwsDeps } from './aws-checks.ts'
import { examineAws } from './aws-checks.ts'
import { clientCertificateFindings } from './client-certificates.ts'
import type { EgressView } from './egress.ts'
import { examineEgress } from './egress.ts'
import type { InterceptionView } from './interception.ts'
import { examineInterception } from './interception.ts'
import type { Handshake, PartnerOptions } from './partner.ts'
import { partnerFinding, shakeHands } from './partner.ts'
import type { Finding, Report } from './report.ts'
import { createReport } from './report.ts'
import { tokenFileFindings } from './token-files.ts'
import type { UseView } from './use.ts'
import { useFindings } from './use.ts'

export interface DoctorDeps extends AwsDeps {
  /** How requests of this route connect to one of its hosts; undefined when that is without TLS. */
  readonly connection: (route: Route, host: HostPattern) => PartnerOptions | undefined
  /** Client certificates, by the directory that a route names. */
  readonly clientCertificates: ReadonlyMap<string, KeyPairInUse>
  /** Absent: everything leaves directly. */
  readonly egress?: EgressView | undefined
  /** Absent: no route intercepts. */
  readonly interception?: InterceptionView | undefined
  /** Absent: there are none. */
  readonly tokenFiles?: Pick<TokenFiles, 'states'> | undefined
  readonly use: UseView
}

export interface Doctor {
  /** Looks at everything anew, within half a minute; who asks meanwhile gets the same report. Never throws. */
  examine(): Promise<Report>
}

interface Partner {
  readonly host: HostPattern
  readonly options: PartnerOptions
}

const HANDSHAKE_MS = 8_000
/** A pod with more partners hears of the first ones only. */
const MOST_PARTNERS = 32

/** Creates what the control port serves as `/doctor`. */
export function createDoctor(deps: DoctorDeps): Doctor {
  const { routes, clock, connection, clientCertificates, egress, interception, tokenFiles, use } = deps
  let running: Promise<Report> | undefined
  return {
    examine: () =>
      (running ??= examine().finally(() => {
        running = undefined
      })),
  }

  async function examine(): Promise<Report> {
    const partners = routes.flatMap(partnersOf).slice(0, MOST_PARTNERS)
    const [aws, found, hop, intercepted] = await Promise.all([
      examineAws(deps),
      Promise.all(partners.map(examinePartner)),
      Promise.all(egress ? [examineEgress(egress)] : []),
      interception ? examineInterception(interception, routes, MOST_PARTNERS) : [],
    ])
    const { wallMs } = clock.now()
    const files = tokenFileFindings(tokenFiles?.states() ?? [], wallMs)
    const certificates = clientCertificateFindings(routes, clientCertificates, wallMs)
    const used = useFindings(use, routes.slice(0, MOST_PARTNERS))
    return createReport(VERSION, [...aws, ...files, ...certificates, ...found, ...hop, ...intercepted, ...used])
  }

  /** @returns the hosts that can be called as they are written. */
  function partnersOf(route: Route): readonly Partner[] {
    return route.hosts.flatMap((text) => {
      const parsed = parseHostPattern(text)
      if (!parsed.ok || parsed.value.wildcard) return []
      const options = connection(route, parsed.value)
      return options ? [{ host: parsed.value, options }] : []
    })
  }

  async function examinePartner({ host, options }: Partner): Promise<Finding> {
    const late = (): Error => new ProxyError('upstream_connect_failed', { message: 'No connection within 8 s.' })
    const handshake = await within(clock, HANDSHAKE_MS, (signal) => shakeHands(host, options, signal), late).catch(
      (error: unknown): Handshake | ProxyError =>
        error instanceof ProxyError ? error : new ProxyError('internal_error', { cause: error }),
    )
    return partnerFinding(formatHostPattern(host), handshake, clock.now().wallMs)
  }
}
