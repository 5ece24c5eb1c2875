import type { Route } from '../contract.ts'
import type { TokenEngine } from '../tokens/engine.ts'
import { TokenFailure } from '../tokens/failures.ts'
import { classify } from '../tokens/sources/aws/classify.ts'
import type { Phase } from '../tokens/sources/aws/classify.ts'
import type { Environment } from '../tokens/sources/aws/credentials.ts'
import type { Session } from '../tokens/sources/aws/mint.ts'
import type { Clock } from '../tokens/time.ts'
import { within } from '../tokens/time.ts'
import { subjectOf } from '../tokens/sources.ts'
import type { TokenRequest } from '../tokens/token-request.ts'
import type { Token } from '../tokens/token.ts'
import {
  clockFinding,
  credentialsFinding,
  federationFinding,
  regionFinding,
  roleFinding,
  stsEndpoint,
  stsFinding,
  withClock,
  withEndpoint,
} from './aws-findings.ts'
import type { Get } from './fetch.ts'
import { examineIssuer } from './issuer-checks.ts'
import type { Outcome } from './outcome.ts'
import { outcomeOf, skipped } from './outcome.ts'
import type { Finding } from './report.ts'
import { endpointFindings, registrationFinding, tokenFinding, unknownAudienceFindings } from './token.ts'

/** What doctor asks AWS beside tokens; rejections are the SDK's own errors. */
export interface AwsPort {
  session(renew: boolean, signal: AbortSignal): Promise<Session>
  /** @returns the ARN of the caller, as STS GetCallerIdentity gives it. */
  callerIdentity(signal: AbortSignal): Promise<string>
  /** @returns STS's clock minus this machine's, as its last answer told; undefined when nothing answered. */
  clockSkewMs(): number | undefined
}

export interface AwsDeps {
  readonly environment: Environment
  readonly routes: readonly Route[]
  /** For the tokens that are known before any request. */
  readonly requests: readonly TokenRequest[]
  readonly expectedRoleArn: string | undefined
  readonly aws: AwsPort
  readonly tokens: Pick<TokenEngine, 'renew'>
  readonly clock: Clock
  /** Fetches documents of issuers. Default: directly. */
  readonly get?: Get | undefined
}

/** What a token that is a JWT tells about its issuer. */
interface Specimen {
  readonly token: Token
  readonly issuer: string
  /** The issuer's clock minus this machine's. */
  readonly skewMs: number | undefined
}

interface Minted extends Token {
  readonly specimen: Specimen | undefined
}

const STEP_MS = 8_000
/** A pod with more tokens hears of the first ones only. */
const MOST_TOKENS = 32

/** Follows a token from the region to the keys that verify it. Never throws. */
export async function examineAws(deps: AwsDeps): Promise<readonly Finding[]> {
  const { routes } = deps
  const requests = distinct(deps.requests).slice(0, MOST_TOKENS)
  const needsAws = routes.length === 0 || routes.some(({ source }) => source === 'aws')
  const session = needsAws ? await ask(deps, 'session', (signal) => deps.aws.session(false, signal)) : undefined
  const tokens = await Promise.all(
    // Without a session every call would only fail for the same reason.
    requests.map(async (request) => (session && !session.ok && isOfAws(request) ? session : mint(deps, request))),
  )
  const specimens = tokens.flatMap((token) => (token.ok && token.value.specimen ? [token.value.specimen] : []))
  // AWS and the cluster are two. Of a token whose exchange was refused only its claims are left.
  const issuers = new Map<string, Token | undefined>([
    ...tokens.flatMap((token) =>
      !token.ok && token.failure.subject ? [[token.failure.subject.issuer, undefined] as const] : [],
    ),
    ...specimens.map(({ issuer, token }) => [issuer, token] as const),
  ])
  const examined = await Promise.all([...issuers].map(([issuer, token]) => examineIssuer(token, issuer, deps.get)))
  const ofAws = tokens.filter((_, index) => isOfAws(requests[index] as TokenRequest))
  const about = (
    judge: (request: TokenRequest, token: Outcome<Token>) => Finding | readonly Finding[],
  ): readonly Finding[] => tokens.flatMap((token, index) => judge(requests[index] as TokenRequest, token))
  const account = session ? await examineAccount(deps, session, ofAws) : WITHOUT_AWS
  const clock = clockFinding(specimens[0]?.skewMs ?? deps.aws.clockSkewMs())
  return [
    ...account,
    ...about(tokenFinding),
    ...unknownAudienceFindings(routes),
    ...about(registrationFinding),
    ...about(endpointFindings),
    clock,
    ...(examined.length > 0 ? examined.flat() : WITHOUT_TOKEN),
  ].map((finding) => withEndpoint(withClock(finding, clock), stsEndpoint(deps.environment)))
}

async function examineAccount(
  deps: AwsDeps,
  session: Outcome<Session>,
  tokens: readonly Outcome<Minted>[],
): Promise<readonly Finding[]> {
  const { environment, expectedRoleArn, aws, clock } = deps
  const identity = session.ok ? await ask(deps, 'token', (signal) => aws.callerIdentity(signal)) : session
  return [
    regionFinding(environment),
    credentialsFinding(environment, session, clock.now().wallMs),
    stsFinding([identity, ...tokens], stsEndpoint(environment)),
    roleFinding(identity, expectedRoleArn),
    federationFinding(tokens),
  ]
}

const isOfAws = ({ spec }: TokenRequest): boolean => subjectOf(spec).source === 'aws'

const WITHOUT_AWS = (['region', 'credentials', 'sts', 'role', 'federation'] as const).map((id) =>
  skipped(id, 'Not needed: every route has source kubernetes.'),
)

const WITHOUT_TOKEN = [
  skipped('discovery', 'Not known: no JWT was minted that names its issuer.'),
  skipped('jwks', 'Not known: no JWT was minted that names its issuer.'),
]

function ask<T>({ clock }: AwsDeps, phase: Phase, call: (signal: AbortSignal) => Promise<T>): Promise<Outcome<T>> {
  const classified = (signal: AbortSignal): Promise<T> =>
    call(signal).catch((error: unknown) => {
      throw classify(error, phase)
    })
  return outcomeOf(within(clock, STEP_MS, classified, () => new TokenFailure('sts_timeout')))
}

/** Anew, whatever is cached: what was true a quarter of an hour ago is not what is looked for. */
function mint({ tokens }: AwsDeps, request: TokenRequest): Promise<Outcome<Minted>> {
  return outcomeOf(tokens.renew(request).then((token) => ({ ...token, specimen: specimenOf(token) })))
}

/** @returns undefined for an opaque token. */
function specimenOf({ subject, ...result }: Token): Specimen | undefined {
  const token = subject ?? result
  return token.evidence && { token, issuer: token.evidence.issuer, skewMs: token.clockSkewMs }
}

function distinct(requests: readonly TokenRequest[]): readonly TokenRequest[] {
  return [...new Map(requests.map((request) => [request.key, request])).values()]
}
