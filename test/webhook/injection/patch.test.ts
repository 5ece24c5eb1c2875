import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { appendTo, insertInto, pointerToken, setMember, setMetadata } from '../../../webhook/src/injection/patch.ts'
import { applyPatch } from '../../support/json-patch.ts'

describe('JSON pointers', () => {
  it('escape as RFC 6901 says', () => {
    for (const [name, token] of Object.entries({
      'a/b': 'a~1b',
      'm~n': 'm~0n',
      '~1': '~01',
      '': '',
      'c%d': 'c%d',
      ' ': ' ',
    }))
      expect(pointerToken(name)).to.equal(token)
  })
})

describe('patches', () => {
  it('set any member, there before or not', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.jsonValue(), (parent, name, value) => {
        const result = applyPatch({ parent }, [setMember(parent, '/parent', name, value)]).parent
        expect(Object.keys(result)).to.have.members([...new Set([...Object.keys(parent), name])])
        expect(JSON.stringify(result[name])).to.equal(JSON.stringify(value))
      }),
      { numRuns: 2000 },
    )
  })

  it('insert into a list where they are told, and move nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.array(fc.nat()), fc.nat(), (entries, values, position) => {
        const index = position % (entries.length + 1)
        const result = applyPatch({ list: entries }, insertInto({ list: entries }, '', 'list', { index, values })).list
        expect(result).to.deep.equal(entries.toSpliced(index, 0, ...values))
      }),
    )
  })

  it('make a list that is absent or null, but only for something', () => {
    expect(appendTo({}, '/spec', 'volumes', [1])).to.deep.equal([{ op: 'add', path: '/spec/volumes', value: [1] }])
    expect(appendTo({ volumes: null }, '', 'volumes', [1])).to.deep.equal([
      { op: 'replace', path: '/volumes', value: [1] },
    ])
    expect(appendTo({ volumes: [] }, '', 'volumes', [1])).to.deep.equal([{ op: 'add', path: '/volumes/0', value: 1 }])
    expect(appendTo({}, '', 'volumes', [])).to.deep.equal([])
  })

  it('make the parents of annotations and labels that are absent or null', () => {
    const metadata = { annotations: { 'a/b~c': 'x' }, labels: { d: 'y' } }
    const { annotations, labels } = metadata
    for (const before of [undefined, null, {}, { annotations: null }, { labels: null }, { annotations }, { labels }])
      expect(applyPatch({ metadata: before }, setMetadata({ metadata: before }, metadata))).to.deep.equal({ metadata })
    expect(applyPatch({}, setMetadata({}, metadata))).to.deep.equal({ metadata })
    const other = { metadata: { labels: { app: 'orders' } } }
    expect(applyPatch(other, setMetadata(other, { labels }))).to.deep.equal({
      metadata: { labels: { app: 'orders', d: 'y' } },
    })
    expect(setMetadata(other, {})).to.deep.equal([])
  })
})
