import type { TokenFileState } from '../tokens/files.ts'
import type { Finding } from './report.ts'

/** @param wallMs now, Unix epoch. */
export function tokenFileFindings(states: readonly TokenFileState[], wallMs: number): readonly Finding[] {
  return states.map(({ path, writtenWallMs, problem }) => {
    const about = { id: 'files', subject: path } as const
    const found =
      writtenWallMs === undefined
        ? 'This process has not written it yet'
        : `Written ${Math.max(0, Math.round((wallMs - writtenWallMs) / 1000))} s ago`
    if (problem === undefined)
      return writtenWallMs === undefined
        ? { ...about, verdict: 'fail', found: `${found}.`, fix: 'Look at the finding "token" of this file.' }
        : { ...about, verdict: 'pass', found: `${found}.` }
    return {
      ...about,
      verdict: writtenWallMs === undefined ? 'fail' : 'warn',
      found: `${found}: ${problem.detail}`,
      fix: problem.hint,
    }
  })
}
