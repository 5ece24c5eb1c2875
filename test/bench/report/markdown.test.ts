import { expect } from 'chai'
import { describe, it } from 'mocha'
import { resultMarkdown } from './markdown.ts'
import type { Bar } from './result.ts'
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

### Bars

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
})
