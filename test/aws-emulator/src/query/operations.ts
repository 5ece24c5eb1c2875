import type { Account } from '../account/account.ts'
import type { Fault } from '../faults/fault.ts'
import type { Incoming } from '../http/incoming.ts'
import { outboundFederation } from '../iam/outbound-federation.ts'
import { assumeRoleWithWebIdentity } from '../sts/assume-role-with-web-identity.ts'
import { getCallerIdentity } from '../sts/get-caller-identity.ts'
import { getWebIdentityToken } from '../sts/get-web-identity-token.ts'
import { ServiceError } from './errors.ts'
import type { Caller } from './signature.ts'
import { authenticate } from './signature.ts'
import type { XmlValue } from './xml.ts'

/** One request to a Query API. */
export interface Question {
  readonly action: string
  readonly parameters: URLSearchParams
  readonly request: Incoming
  readonly account: Account
  readonly fault: Fault | undefined
}

interface Service {
  readonly xmlns: string
  readonly operations: Readonly<Record<string, (question: Question) => Promise<XmlValue>>>
}

const asCaller =
  (service: 'sts' | 'iam', run: (caller: Caller, question: Question) => XmlValue | Promise<XmlValue>) =>
  async (question: Question): Promise<XmlValue> =>
    run(await authenticate(question.request, service, question.account), question)

const switchFederation = asCaller('iam', (caller, { action, account }) => outboundFederation(action, caller, account))

const STS: Service = {
  xmlns: 'https://sts.amazonaws.com/doc/2011-06-15/',
  operations: {
    AssumeRoleWithWebIdentity: ({ parameters, account, fault }) =>
      assumeRoleWithWebIdentity(parameters, account, fault),
    GetWebIdentityToken: (question) => {
      if (question.account.region === 'aws-global')
        throw new ServiceError('InvalidAction', 'Operation not supported on STS global endpoint')
      return mintAsCaller(question)
    },
    GetCallerIdentity: asCaller('sts', (caller, { account }) => getCallerIdentity(caller, account)),
  },
}

const mintAsCaller = asCaller('sts', (caller, { parameters, account, fault }) =>
  getWebIdentityToken(parameters, caller, account, fault),
)

/** The emulated services by the version of their API. */
export const SERVICES: Readonly<Record<string, Service>> = {
  '2011-06-15': STS,
  '2010-05-08': {
    xmlns: 'https://iam.amazonaws.com/doc/2010-05-08/',
    operations: {
      EnableOutboundWebIdentityFederation: switchFederation,
      DisableOutboundWebIdentityFederation: switchFederation,
      GetOutboundWebIdentityFederationInfo: switchFederation,
    },
  },
}

/** @returns the service that a request without a known version is answered for. */
export const serviceOf = (version: string): Service =>
  Object.hasOwn(SERVICES, version) ? (SERVICES[version] ?? STS) : STS
