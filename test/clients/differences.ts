import type { Observation, Recording, Row } from './cases.ts'

/** What clients do otherwise than recorded. Versions and error texts may change; ways, attempts and statuses may not. */
export function differences(recorded: Recording, now: Recording): string[] {
  const found: string[] = []
  for (const row of now.rows) {
    const before = recorded.rows.find(({ client }) => client === row.client)
    if (!before) found.push(`${row.client}: not recorded`)
    const earlier = new Map(before && observationsOf(before))
    for (const [name, { way, attempts, status }] of observationsOf(row)) {
      const old = earlier.get(name)
      if (old && (old.way !== way || old.attempts !== attempts || old.status !== status))
        found.push(
          `${row.client}, ${name}: ${way}, ${attempts} attempts, status ${status}; recorded ${old.way}, ${old.attempts}, ${old.status}`,
        )
    }
  }
  return found
}

const observationsOf = ({ observations }: Row): readonly (readonly [name: string, Observation])[] =>
  Object.entries(observations).flatMap(([mode, cases]) =>
    Object.entries(cases).map(([name, observation]) => [`${mode}, ${name}`, observation] as const),
  )
