import type { ExchangeAnswer } from './answers.ts'
import type { Form } from './routes.ts'

/** Whoever wants to see a token end waits so long. */
const SOON_MS = 30_000

/** What the token endpoint of one slot has said: whatever its partner gets must be a text of JSON in it, and not over. */
export class Spoken {
  readonly #texts: string[] = []
  /** Of tokens whose life is certain, in milliseconds since the process began. */
  readonly #ends = new Map<string, number>()

  /** @param text of the body, before it was framed and changed. */
  add(
    { changes, mutations }: ExchangeAnswer,
    form: Form,
    token: string,
    { bytes, text }: { readonly bytes: string; readonly text: string },
  ): void {
    this.#texts.push(mutations.length === 0 ? text : Buffer.from(bytes, 'latin1').toString('utf8'))
    const life = secondsOf(changes.findLast(({ member }) => member === 'life')?.value)
    if (mutations.length === 0 && !form.startsWith('google ') && life > 0)
      this.#ends.set(token, performance.now() + life * 1000)
  }

  /** @returns in how many milliseconds the last of the tokens is over that are over soon; undefined when none is. */
  lapseMs(): number | undefined {
    const lapses = [...this.#ends.values()].map((end) => end - performance.now())
    const soon = lapses.filter((lapse) => lapse > 0 && lapse <= SOON_MS)
    return soon.length > 0 ? Math.max(...soon) + 1 : undefined
  }

  has(token: string): boolean {
    return this.#texts.some((text) => holds(text, token))
  }

  /** @param startedMs when the request was sent. @returns why this token may not be sent with it to the partner of the slot. */
  objectionTo(token: string, startedMs: number): string | undefined {
    const shown = JSON.stringify(token.slice(0, 200))
    if ((this.#ends.get(token) ?? Infinity) < startedMs) return `a token that is over: ${shown}`
    return this.has(token) ? undefined : `a token that its endpoint has not said: ${shown}`
  }
}

/** A number, or one as a text, as some endpoints write it. */
function secondsOf(life: unknown): number {
  return typeof life === 'number' || (typeof life === 'string' && /^\d+$/.test(life)) ? Number(life) : NaN
}

/** Whether a text has this one as a string of JSON, however it is escaped. */
function holds(text: string, token: string): boolean {
  if (text.includes(JSON.stringify(token))) return true
  const string = /"(?:[^"\\]|\\.)*"/gy
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) {
    string.lastIndex = at
    const [literal] = string.exec(text) ?? []
    if (literal !== undefined && literal.length <= 6 * token.length + 2 && parsed(literal) === token) return true
  }
  return false
}

function parsed(literal: string): unknown {
  try {
    return JSON.parse(literal)
  } catch {
    return undefined
  }
}
