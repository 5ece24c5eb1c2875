import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { parseJson } from '../../../proxy/src/contract.ts'

describe('JSON that a person wrote', () => {
  it('is read as JSON.parse reads it, as long as every object names each member once', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(0, 2), (json, indent) => {
        const value = JSON.parse(json) as unknown
        expect(parseJson(JSON.stringify(value, undefined, indent))).to.deep.equal({ ok: true, value })
      }),
    )
    const text = '{"a": {"b": 1}, "b": [{"a": "b"}, {"a": "\\"b\\": {\\\\"}], "": "x: y", "c": "a\\":"}'
    expect(parseJson(text)).to.deep.equal({ ok: true, value: JSON.parse(text) as unknown })
  })

  it('is told from what is none', () => {
    for (const text of ['', 'rules:\n- name: a', '{"a": 1', "{'a': 1}", '{"a": 1} {}'])
      expect(parseJson(text), text).to.equal(undefined)
  })

  const repeated: Readonly<Record<string, readonly [text: string, place: string]>> = {
    'with other values between': ['{"a": 1, "b": {"a": 2}, "a": 3}', 'line 1: "a" comes again'],
    'however it is escaped': ['{"hosts": [], "\\u0068osts": []}', 'line 1: "hosts" comes again'],
    'within others, on its line': ['[{\n"a": [{},\n{"b" : 1,\n"b"\n: 1}]}]', 'line 4: "b" comes again'],
    'whatever its name is': ['{"__proto__": 1, "__proto__": 1}', 'line 1: "__proto__" comes again'],
    'even with the same value': ['{"": 1, "": 1}', 'line 1: "" comes again'],
  }
  for (const [what, [text, place]] of Object.entries(repeated))
    it(`is refused for a member that comes twice, ${what}`, () => {
      expect(parseJson(text)).to.deep.equal({ ok: false, allowed: `JSON that names every member once (${place})` })
    })
})
