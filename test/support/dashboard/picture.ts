import { axisFor, formatValue } from './axis.ts'

/** A panel of the dashboard, and what its queries returned. */
export interface PanelData {
  readonly title: string
  readonly description: string
  /** Grafana's name of it. */
  readonly unit: string
  /** Shows the last value alone. */
  readonly stat: boolean
  readonly curves: readonly NamedCurve[]
}

export interface NamedCurve {
  readonly name: string
  /** Seconds since the beginning, and a value that may be none. */
  readonly points: readonly (readonly [number, number])[]
}

const COLUMNS = 3
const GAP = 12
const [WIDTH, HEIGHT] = [320, 184] as const
/** Of a plot inside of its panel. */
const PLOT = { left: 58, right: WIDTH - 14, top: 34, bottom: 122 } as const
const LEGEND = { left: 12, top: 158, row: 16, rows: 2 } as const
/** Of a letter of the legend, on average. */
const LETTER = 5.6
const SWATCH = 14

/** Apart from each other on both backgrounds; the first is used most. */
const COLORS = [
  ['#1f6fc4', '#6ea8fe'],
  ['#c2571a', '#ff9d5c'],
  ['#2b8a3e', '#69db7c'],
  ['#9c36b5', '#da9bf0'],
  ['#b02a37', '#ff8787'],
  ['#7a6a00', '#ffd43b'],
] as const

const STYLE = `
  text { fill: var(--text) }
  .page { fill: var(--page) }
  .panel { fill: var(--panel); stroke: var(--line) }
  .grid { stroke: var(--line) }
  .dim { fill: var(--dim) }
  .title { font-size: 13px; font-weight: 600 }
  .stat { font-size: 34px; font-weight: 600; text-anchor: middle; fill: currentColor }
  .curve { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linejoin: round }
  .end { text-anchor: end }
  .middle { text-anchor: middle }
  :root { --page: #f4f5f7; --panel: #fff; --line: #dde0e5; --text: #1d2127; --dim: #5c6470 }
  ${COLORS.map(([light], index) => `.c${index} { color: ${light} }`).join(' ')}
  @media (prefers-color-scheme: dark) {
    :root { --page: #111217; --panel: #181b1f; --line: #2f333b; --text: #dfe1e6; --dim: #9aa1ac }
    ${COLORS.map(([, dark], index) => `.c${index} { color: ${dark} }`).join(' ')}
  }
`

/** Draws panels in rows of three, over the same time. @param seconds of that time. @returns an SVG document. */
export function drawDashboard(panels: readonly PanelData[], seconds: number): string {
  const rows = Math.ceil(panels.length / COLUMNS)
  const [width, height] = [COLUMNS * (WIDTH + GAP) + GAP, rows * (HEIGHT + GAP) + GAP]
  const drawn = panels.map((panel, index) => {
    const x = GAP + (index % COLUMNS) * (WIDTH + GAP)
    const y = GAP + Math.floor(index / COLUMNS) * (HEIGHT + GAP)
    return `<g transform="translate(${x} ${y})">${drawPanel(panel, seconds)}</g>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="11" role="img" aria-label="Panels of the dashboard">`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n')
}

function drawPanel(panel: PanelData, seconds: number): string {
  return [
    `<title>${escaped(panel.description)}</title>`,
    `<rect class="panel" x=".5" y=".5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="4"/>`,
    `<text class="title" x="12" y="22">${escaped(panel.title)}</text>`,
    ...(panel.stat ? drawStat(panel) : [...drawPlot(panel, seconds), ...drawLegend(panel.curves)]),
  ].join('\n')
}

function drawStat({ curves, unit }: PanelData): string[] {
  const last = curves[0]?.points.at(-1)?.[1] ?? Number.NaN
  return [`<text class="stat c2" x="${WIDTH / 2}" y="${HEIGHT / 2 + 16}">${escaped(formatValue(last, unit))}</text>`]
}

function drawPlot({ curves, unit }: PanelData, seconds: number): string[] {
  const values = curves.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite)
  const { top, ticks } = axisFor(Math.max(0, ...values), unit)
  const xOf = (at: number): number => PLOT.left + (at / seconds) * (PLOT.right - PLOT.left)
  const yOf = (value: number): number => PLOT.bottom - (value / top) * (PLOT.bottom - PLOT.top)
  const lastMinute = Math.floor(seconds / 60)
  const minutes = Array.from({ length: lastMinute + 1 }, (_, index) => index)
  return [
    ...ticks.flatMap(({ at, label }) => [
      `<path class="grid" d="M${PLOT.left} ${round(yOf(at))}H${PLOT.right}"/>`,
      `<text class="dim end" x="${PLOT.left - 6}" y="${round(yOf(at) + 4)}">${escaped(label)}</text>`,
    ]),
    ...minutes.map(
      (minute) =>
        `<text class="dim ${minute === lastMinute ? 'end' : 'middle'}" x="${round(xOf(minute * 60))}" y="${PLOT.bottom + 16}">${minute === 0 ? '0' : `${minute} min`}</text>`,
    ),
    ...curves.map(
      ({ points }, index) => `<path class="curve c${index % COLORS.length}" d="${pathOf(points, xOf, yOf)}"/>`,
    ),
  ]
}

/** A value that is none interrupts the line. */
function pathOf(points: NamedCurve['points'], xOf: (at: number) => number, yOf: (value: number) => number): string {
  let path = ''
  let isDown = false
  for (const [at, value] of points) {
    if (Number.isFinite(value)) path += `${isDown ? 'L' : 'M'}${round(xOf(at))} ${round(yOf(value))}`
    isDown = Number.isFinite(value)
  }
  return path
}

/** Names in as many rows as there is room for; of the rest, how many there are. */
function drawLegend(curves: readonly NamedCurve[]): string[] {
  const drawn: string[] = []
  let [x, row]: [number, number] = [LEGEND.left, 0]
  for (const [index, { name }] of curves.entries()) {
    const width = SWATCH + name.length * LETTER
    if (x > LEGEND.left && x + width > WIDTH - 8) [x, row] = [LEGEND.left, row + 1]
    const y = LEGEND.top + row * LEGEND.row
    if (row === LEGEND.rows) {
      drawn.push(`<text class="dim end" x="${WIDTH - 12}" y="${y - LEGEND.row}">+${curves.length - index}</text>`)
      break
    }
    drawn.push(
      `<path class="curve c${index % COLORS.length}" d="M${round(x)} ${y - 4}h10"/>`,
      `<text x="${round(x + SWATCH)}" y="${y}">${escaped(name)}</text>`,
    )
    x += width + 12
  }
  return drawn
}

const round = (value: number): number => Math.round(value * 10) / 10

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
