/** One thing wrong with an input, in the three parts its author needs. */
export interface Problem {
  /** Variable, annotation or path into one, for example `ROUTES[0].hosts[1]`. */
  readonly where: string
  /** The offending value as written; undefined when it is missing. */
  readonly value: string | undefined
  /** The allowed form, as the end of the sentence "expected …". */
  readonly allowed: string
}

/** Collects problems instead of throwing at the first, so that an author sees them all at once. */
export type Report = (problem: Problem) => void

/** Longest part of a value that is repeated back; enough to recognise it, short enough for a log line or a kubectl error. */
const QUOTED_CHARACTERS = 80

/** @returns the problem as one line of printable ASCII. */
export function describeProblem({ where, value, allowed }: Problem): string {
  return printable(`${where}: ${value === undefined ? 'is missing' : `got ${quote(value)}`}, expected ${allowed}`)
}

/** @returns the text on one line of printable ASCII: anything else becomes a JSON escape. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** @returns the text with each of its lines as printable ASCII. SECURITY: a terminal obeys what others wrote there. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n')

/** @returns the value in double quotes, control and non-ASCII characters escaped, cut to a readable length. */
export function quote(value: string): string {
  const cut = value.length > QUOTED_CHARACTERS ? `${value.slice(0, QUOTED_CHARACTERS)}...` : value
  return printable(JSON.stringify(cut))
}
