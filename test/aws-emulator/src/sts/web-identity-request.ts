import { ServiceError, validationError } from '../query/errors.ts'

/** The parameters of GetWebIdentityToken, validated. */
export interface WebIdentityRequest {
  readonly audiences: readonly string[]
  readonly algorithm: string
  readonly durationSeconds: number
  readonly tags: Readonly<Record<string, string>>
}

const DEFAULT_DURATION_SECONDS = 300

/** @throws ServiceError ValidationError for a wrong shape, then for a wrong meaning, in AWS's order. */
export function parseWebIdentityRequest(parameters: URLSearchParams): WebIdentityRequest {
  const audiences = members(parameters, /^Audience\.member\.(\d+)$/)
  const durationText = parameters.get('DurationSeconds') ?? String(DEFAULT_DURATION_SECONDS)
  const durationSeconds = Number(durationText)
  const algorithm = parameters.get('SigningAlgorithm') ?? ''
  if (audiences.length < 1 || audiences.length > 10)
    validationError('audience', String(audiences.length), 'Member must have length between 1 and 10')
  for (const audience of audiences)
    if (audience.length < 1 || audience.length > 1000)
      validationError('audience', audience.slice(0, 20), 'Member must have length between 1 and 1000')
  if (!(durationSeconds >= 60))
    validationError('durationSeconds', durationText, 'Member must have value greater than or equal to 60')
  if (!(durationSeconds <= 3600))
    validationError('durationSeconds', durationText, 'Member must have value less than or equal to 3600')
  const tags = parseTags(parameters)
  if (algorithm !== 'RS256' && algorithm !== 'ES384')
    throw new ServiceError(
      'ValidationError',
      'Requested SigningAlgorithm is not supported. See the GetWebIdentityToken documentation.',
    )
  return { audiences, algorithm, durationSeconds, tags }
}

function parseTags(parameters: URLSearchParams): Record<string, string> {
  const keys = members(parameters, /^Tags\.member\.(\d+)\.Key$/)
  const values = members(parameters, /^Tags\.member\.(\d+)\.Value$/)
  if (keys.length > 50) validationError('tags', String(keys.length), 'Member must have length less than or equal to 50')
  if (new Set(keys.map((key) => key.toLowerCase())).size !== keys.length)
    throw new ServiceError(
      'InvalidParameterValue',
      'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
    )
  return Object.fromEntries(keys.map((key, index) => [key, values[index] ?? '']))
}

function members(parameters: URLSearchParams, pattern: RegExp): readonly string[] {
  return [...parameters]
    .map(([name, value]) => ({ index: Number(pattern.exec(name)?.[1] ?? 0), value }))
    .filter(({ index }) => index > 0)
    .sort((a, b) => a.index - b.index)
    .map(({ value }) => value)
}
