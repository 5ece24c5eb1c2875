// Where the SDK's default chain will find credentials and a region, told by the environment alone.

export type Environment = Readonly<Record<string, string | undefined>>

/** Sources a pod can have, in the order of the SDK's chain, each with the variables that it needs. */
const CREDENTIAL_SOURCES = {
  profile: ['AWS_PROFILE'],
  environment: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
  'IAM role for service account (IRSA)': ['AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN'],
  'EKS Pod Identity': ['AWS_CONTAINER_CREDENTIALS_FULL_URI'],
  'container credentials': ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'],
} as const

export type CredentialSource = keyof typeof CREDENTIAL_SOURCES

/** @returns the source that the environment promises; undefined when a pod has no credentials. */
export function credentialSource(environment: Environment): CredentialSource | undefined {
  const sources = Object.entries(CREDENTIAL_SOURCES) as [CredentialSource, readonly string[]][]
  return sources.find(([, variables]) => variables.every((name) => isSet(environment, name)))?.[0]
}

/** In this order; the SDK for JavaScript alone would ignore the second. */
export const REGION_VARIABLES = ['AWS_REGION', 'AWS_DEFAULT_REGION'] as const

export interface Region {
  readonly name: string
  readonly variable: (typeof REGION_VARIABLES)[number]
}

/** @returns the region the SDK will use; an empty variable is not set. */
export function regionOf(environment: Environment): Region | undefined {
  for (const variable of REGION_VARIABLES) {
    const name = environment[variable]
    if (name !== undefined && name !== '') return { name, variable }
  }
  return undefined
}

function isSet(environment: Environment, name: string): boolean {
  return (environment[name] ?? '') !== ''
}
