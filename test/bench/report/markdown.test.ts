import { expect } from 'chai'
import { describe, it } from 'mocha'
import { reportMarkdown, resultMarkdown } from './markdown.ts'
import type { Bar, Report } from './result.ts'
import { holds } from './result.ts'

const bar = (differences: Partial<Bar>): Bar => ({
  what: 'CPU beside nginx',
  bound: 'at most',
  limit: 4,
  measured: 4,
  unit: '×',
  ...differences,
})

describe('a bench result', () => {
  it('says of each bar whether it holds, its limit included, or that nothing was measured', () => {
    expect(holds(bar({}))).to.equal(true)
    expect(holds(bar({ measured: 4.01 }))).to.equal(false)
    expect(holds(bar({ bound: 'at least' }))).to.equal(true)
    expect(holds(bar({ bound: 'at least', measured: 3.99 }))).to.equal(false)
    expect(holds(bar({ measured: undefined }))).to.equal(undefined)
    expect(holds(bar({ measured: Number.NaN }))).to.equal(undefined)
  })

  it('becomes a section: conditions, bars, tables, notes', () => {
    const markdown = resultMarkdown({
      title: 'Proxy',
      conditions: ['50 connections.', '1 KiB.'],
      bars: [bar({ measured: 3.7123 }), bar({ measured: 5 }), bar({ what: 'beside X', measured: undefined })],
      tables: [
        {
          title: 'https',
          columns: ['target', 'CPU-s/10k', 'requests/s'],
          rows: [
            ['proxy', 0.82361, 12_345.6],
            ['direct', undefined, 7],
          ],
          notes: ['Medians.'],
        },
      ],
    })
    expect(markdown).to.equal(`## Proxy

- 50 connections.
- 1 KiB.

| bar | limit | measured |  |
| --- | --- | --- | --- |
| CPU beside nginx | at most 4 × | 3.71 × | held |
| CPU beside nginx | at most 4 × | 5 × | **missed** |
| beside X | at most 4 × | – | not measured |

### https

| target | CPU-s/10k | requests/s |
| --- | --- | --- |
| proxy | 0.824 | 12,346 |
| direct | – | 7 |

Medians.
`)
  })

  it('is part of one page, as it was read back, whose first table has the bars of all', () => {
    const machine = {
      cpu: 'A CPU',
      cores: 2,
      memoryGiB: 8,
      kernel: '6.1 x64',
      versions: { node: '26.10.0', go: '1.26' },
    }
    const at = '2026-11-25T12:34:56.000Z'
    const part = { at, machine, conditions: ['Quiet.'] }
    const written: Report = {
      at,
      machine,
      missing: ['tunnel'],
      results: [
        {
          ...part,
          name: 'a',
          title: 'A',
          bars: [bar({})],
          tables: [{ title: 'T', columns: ['x'], rows: [[undefined]] }],
        },
        { ...part, name: 'b', title: 'B', bars: [bar({ measured: Number.NaN }), bar({ measured: 5 })], tables: [] },
      ],
    }
    const page = reportMarkdown(JSON.parse(JSON.stringify(written)) as Report)
    expect(page).to.include('2026-11-25 12:34 UTC')
    expect(page).to.include('2 cores of A CPU, 8 GiB, Linux 6.1 x64; node 26.10.0, go 1.26.')
    expect(page).to.include('**Without a result: tunnel.**')
    expect(page).to.include(`Bars held: 1, missed: 1, not measured: 1.

| bar | limit | measured |  |
| --- | --- | --- | --- |
| CPU beside nginx | at most 4 × | 4 × | held |
| CPU beside nginx | at most 4 × | – | not measured |
| CPU beside nginx | at most 4 × | 5 × | **missed** |
`)
    expect(page).to.match(
      /## A\n\n- Quiet\.\n- Measured 2026-11-25 12:34 UTC\.\n\n### T\n\n\| x \|\n\| --- \|\n\| – \|\n\n## B\n\n- Quiet\.\n- Measured 2026-11-25 12:34 UTC\.\n$/,
    )
  })
})
