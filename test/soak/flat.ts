export interface Sample {
  readonly minutes: number
  readonly value: number
}

/** @returns how much a series grows per minute: the slope of its least-squares line. */
export function slope(samples: readonly Sample[]): number {
  const meanX = mean(samples.map(({ minutes }) => minutes))
  const meanY = mean(samples.map(({ value }) => value))
  const covariance = samples.reduce((sum, { minutes, value }) => sum + (minutes - meanX) * (value - meanY), 0)
  const variance = samples.reduce((sum, { minutes }) => sum + (minutes - meanX) ** 2, 0)
  return variance === 0 ? 0 : covariance / variance
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
