import type { Exchange, Route, TokenFields } from '@aws-outbound-jwt-injector/proxy/contract'
import { expandExchange, readHostPattern } from '@aws-outbound-jwt-injector/proxy/contract'
import type { GrantedItem } from './policy.ts'

/** Something a route or a token file asks for that needs a grant. */
export interface AskedItem extends GrantedItem {
  /** Which part of it asks. */
  readonly field: 'hosts' | 'audience' | 'source' | 'exchange' | 'https' | 'role-arn'
}

/** Google's own endpoints. Source: google-auth-library; cloud.google.com/iam/docs/workload-identity-federation. */
const GOOGLE_STS = 'sts.googleapis.com'
const GOOGLE_CREDENTIALS = 'iamcredentials.googleapis.com'

/** @returns everything that a route needs a grant for. @param roleArn of the pod, where it names one. */
export function askedBy(route: Route, roleArn: string | undefined): readonly AskedItem[] {
  const { hosts, audience, https } = route
  const names = hosts.map(withoutPort)
  return [
    ...names.map((value) => ({ list: 'hosts', field: 'hosts', value }) as const),
    ...(audience.length > 0 ? audience : names.map((name) => `https://${name}`)).map(
      (value) => ({ list: 'audiences', field: 'audience', value }) as const,
    ),
    ...tokenItems(route),
    ...(https === 'refuse' ? [] : [{ list: 'https', field: 'https', value: https } as const]),
    ...roleItems(route, roleArn),
  ]
}

/** @returns everything that a token file needs a grant for. What an SDK calls with it, nobody here can see. */
export function askedByFile(file: TokenFields, roleArn: string | undefined): readonly AskedItem[] {
  return [
    ...file.audience.map((value) => ({ list: 'audiences', field: 'audience', value }) as const),
    ...tokenItems(file),
    ...roleItems(file, roleArn),
  ]
}

const tokenItems = ({ source, exchange }: TokenFields): readonly AskedItem[] => [
  { list: 'sources', field: 'source', value: source },
  ...(exchange ? exchangeItems(exchange) : []),
]

const roleItems = ({ source }: TokenFields, roleArn: string | undefined): readonly AskedItem[] =>
  roleArn === undefined || source !== 'aws' ? [] : [{ list: 'roleArns', field: 'role-arn', value: roleArn }]

/** A wildcard as it is written: what matches this text matches every host below it, because its `*` is met by a `*` alone. */
function withoutPort(text: string): string {
  const { host, wildcard } = readHostPattern(text)
  return wildcard ? `*.${host}` : host
}

/** SECURITY: the source token goes to the endpoint, so that is a partner, too. */
function exchangeItems(exchange: Exchange): readonly AskedItem[] {
  return [
    { list: 'exchanges', field: 'exchange', value: 'preset' in exchange ? exchange.preset : exchange.type },
    ...endpointHosts(exchange).map((value) => ({ list: 'hosts', field: 'exchange', value }) as const),
  ]
}

function endpointHosts(exchange: Exchange): readonly string[] {
  const expanded = expandExchange(exchange)
  switch (expanded.type) {
    case 'oauth2':
      return [hostOf(expanded.tokenUrl)]
    case 'vault':
      return [hostOf(expanded.address)]
    case 'google':
      return expanded.serviceAccount === undefined ? [GOOGLE_STS] : [GOOGLE_STS, GOOGLE_CREDENTIALS]
  }
}

/** @returns the host of a URL that was checked before. */
const hostOf = (url: string): string => /^https:\/\/([^/:?#]+)/i.exec(url)?.[1]?.toLowerCase() ?? url
