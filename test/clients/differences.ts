import type { Case, Recording } from './cases.ts'

/** What clients do otherwise than recorded. Versions and error texts may change; ways, attempts and statuses may not. */
export function differences(recorded: Recording, now: Recording): string[] {
  const found: string[] = []
  for (const row of now.rows) {
    const before = recorded.rows.find(({ client }) => client === row.client)
    if (!before) found.push(`${row.client}: not recorded`)
    for (const [name, { way, attempts, status }] of Object.entries(row.observations)) {
      const old = before?.observations[name as Case]
      if (old && (old.way !== way || old.attempts !== attempts || old.status !== status))
        found.push(
          `${row.client}, ${name}: ${way}, ${attempts} attempts, status ${status}; recorded ${old.way}, ${old.attempts}, ${old.status}`,
        )
    }
  }
  return found
}
