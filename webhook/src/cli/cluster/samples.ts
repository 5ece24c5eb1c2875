/** One line of a scrape. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

// SECURITY: a pod answers with what it likes. LABEL is sticky, or a long row of letters would cost its square; a pattern remembers every
// place that it could go back to, so that a line much longer than any of ours would end the program.
const LONGEST_LINE = 8_192
const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/gy

/** Reads the text format of Prometheus as far as our own processes write it. @param names the metrics that are looked at. */
export function samplesOf(text: string, names: readonly string[]): readonly Sample[] {
  return text.split('\n').flatMap((line): readonly Sample[] => {
    // Most lines are those of a histogram.
    if (line.length > LONGEST_LINE || !names.some((name) => line.startsWith(name))) return []
    const [, name, labels = '', value] = LINE.exec(line) ?? []
    if (name === undefined || !names.includes(name)) return []
    const pairs = [...labels.matchAll(LABEL)].map(([, key = '', label = '']) => [key, label] as const)
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
  })
}
