import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readChartValues } from '../support/chart/values.ts'

describe('values.yaml as documentation', () => {
  it('gives each value the comment above it and the type of its default', () => {
    const [port] = readChartValues(
      '# About the file.\n\n# The port.\n# Of the webhook.\n# @schema: {"minimum": 1}\nport: 9443\n',
    )
    expect(port).to.deep.equal({
      path: 'port',
      doc: 'The port. Of the webhook.',
      fallback: 9443,
      schema: { type: 'integer', minimum: 1 },
      children: [],
    })
  })

  it('follows maps, whose first comment is that of the first value', () => {
    const [image] = readChartValues('# The image.\nimage:\n  # Its tag.\n  tag: x\n  # Its digest.\n  digest: y\n')
    expect(image?.children.map(({ path, doc }) => [path, doc])).to.deep.equal([
      ['image.tag', 'Its tag.'],
      ['image.digest', 'Its digest.'],
    ])
  })

  it('wants a comment for every value', () => {
    expect(() => readChartValues('# Here.\na: 1\nb: 2\n')).to.throw('b has no comment')
  })

  it('wants a type where the default has none', () => {
    expect(() => readChartValues('# Here.\na: null\n')).to.throw('a needs an @schema line')
    expect(() => readChartValues('# Here.\na: []\n')).to.throw('a needs an @schema line')
  })
})
