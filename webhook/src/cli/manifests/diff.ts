import { FILE_HEADERS_ONLY, createTwoFilesPatch, formatPatch } from 'diff'

/** Lines that change, those of some 60 injected pods. What a comparison costs grows with the square of them: these take a second. */
const MOST_CHANGES = 4_000

/** @returns the change of a file as `diff -u` writes it, empty when there is none; all lines as others where too many are. */
export function unifiedDiff(file: string, before: string, after: string): string {
  if (before === after) return ''
  const injected = `${file} (injected)`
  const options = { headerOptions: FILE_HEADERS_ONLY, maxEditLength: MOST_CHANGES }
  const compared = createTwoFilesPatch(file, injected, before, after, '', '', options)
  if (compared !== undefined) return compared
  const [removed, added] = [linesOf(before), linesOf(after)]
  const hunk = {
    oldStart: 1,
    oldLines: removed.lines.length,
    newStart: 1,
    newLines: added.lines.length,
    lines: [...marked('-', removed), ...marked('+', added)],
  }
  const headers = { oldHeader: '', newHeader: '' }
  return formatPatch({ oldFileName: file, newFileName: injected, ...headers, hunks: [hunk] }, FILE_HEADERS_ONLY)
}

interface Lines {
  readonly lines: readonly string[]
  /** Whether the last one has its line feed. */
  readonly isEnded: boolean
}

function linesOf(text: string): Lines {
  const isEnded = text.endsWith('\n')
  const lines = text.split('\n')
  return { lines: isEnded ? lines.slice(0, -1) : lines, isEnded }
}

const marked = (sign: string, { lines, isEnded }: Lines): readonly string[] => [
  ...lines.map((line) => sign + line),
  ...(isEnded ? [] : [String.raw`\ No newline at end of file`]),
]
