import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { FLEET, SIDECARS } from '../support/generate/dashboard.ts'

describe('the picture of the dashboard', () => {
  it('shows the panels that there are; `npm run picture` draws them again', () => {
    const picture = readFileSync('docs/images/dashboard.svg', 'utf8')
    const drawn = [...picture.matchAll(/<text class="title"[^>]*>([^<]*)</g)].map(([, title]) => title)
    expect(drawn).to.deep.equal([...FLEET, ...SIDECARS].map(({ title }) => title))
  })
})
