import { diff, styleText } from 'node:util'
import { stringify } from 'yaml'

type Style = Parameters<typeof styleText>[0]

/** Writes the demo's story; colours appear on a terminal only. */
export interface Output {
  step(title: string): void
  line(text: string): void
  facts(rows: Readonly<Record<string, string>>): void
  podDiff(before: unknown, after: unknown): void
}

/** Unchanged lines around a change; enough to see where in the pod one is. */
const CONTEXT = 2

export function createOutput(stream: NodeJS.WriteStream): Output {
  const paint = (style: Style, text: string): string => styleText(style, text, { stream })
  const line = (text: string): void => void stream.write(`${text}\n`)
  let steps = 0
  return {
    step: (title) => line(`\n${paint('bold', `${++steps}. ${title}`)}`),
    line: (text) => line(`   ${text}`),
    facts: (rows) => {
      const width = Math.max(...Object.keys(rows).map((key) => key.length))
      for (const [key, value] of Object.entries(rows)) line(`   ${paint('dim', key.padEnd(width))}  ${value}`)
    },
    podDiff: (before, after) => {
      // Of diff(after, before): 1 is a line of `after` alone, -1 one of `before` alone, 0 one of both.
      const changes = diff(lines(after), lines(before)).map(([operation, text]) => ({ operation, text }))
      const near = (index: number): boolean =>
        changes.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ operation }) => operation !== 0)
      let skipped = false
      changes.forEach(({ operation, text }, index) => {
        if (!near(index)) {
          if (!skipped) line(paint('dim', '     ...'))
          skipped = true
          return
        }
        skipped = false
        if (operation === 0) line(`     ${text}`)
        else line(operation === 1 ? paint('green', `   + ${text}`) : paint('red', `   - ${text}`))
      })
    },
  }
}

function lines(value: unknown): string[] {
  return stringify(value, { lineWidth: 160 }).trimEnd().split('\n')
}
