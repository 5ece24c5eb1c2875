import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parse } from 'yaml'
import type { PolicyRule } from '../../../../webhook/src/injection/policy/rules.ts'
import { parsePolicyRules } from '../../../../webhook/src/injection/policy/rules.ts'
import { collect } from '../../../support/injection/problems.ts'

const read = (
  text: string,
): { readonly value: readonly PolicyRule[] | undefined; readonly complaints: readonly string[] } =>
  collect((report) => parsePolicyRules(text, 'policy.yaml', report))
const complaints = (rule: string): readonly string[] => {
  const { value, complaints: said } = read(`rules: [{name: a, namespaces: [a], ${rule}}]`)
  expect(value === undefined, rule).to.equal(said.length > 0)
  return said
}

describe('the rules of a policy', () => {
  it('are lists, those that are missing empty', () => {
    expect(read('rules:\n  - {name: shop, namespaces: [shop], hosts: ["*.a.example"]}').value).to.deep.equal([
      {
        name: 'shop',
        namespaces: ['shop'],
        hosts: ['*.a.example'],
        audiences: [],
        roleArns: [],
        sources: [],
        exchanges: [],
        https: [],
      },
    ])
  })

  it('are at least one, in a file of nothing else', () => {
    for (const text of ['', 'rules: []', 'rules:', '[]', 'rules: {}', 'name: a'])
      expect(read(text).complaints, text).to.deep.equal([
        `policy.yaml: got ${JSON.stringify(text)}, expected rules: with a list of at least one rule`,
      ])
    expect(read('rules: [{name: a, namespaces: [a]}]\nrule: []').complaints).to.deep.equal([
      'policy.yaml.rule: got "rule", expected one of rules',
    ])
  })

  it('have no fields that nobody reads, and a name of their own', () => {
    expect(complaints('host: [a.example]')).to.deep.equal([
      'policy.yaml rules[0].host: got "host", expected one of name, namespaces, hosts, audiences, roleArns, sources, exchanges, https',
    ])
    expect(read('rules: [{name: a, namespaces: [a]}, {name: a, namespaces: [b]}, 5]').complaints).to.deep.equal([
      'policy.yaml rules[1].name: got "a", expected a name that no other rule has',
      'policy.yaml rules[2]: got "5", expected a mapping with name, namespaces, hosts, audiences, roleArns, sources, exchanges, https',
    ])
    expect(read('rules: [{hosts: [a.example]}]').complaints).to.deep.equal([
      'policy.yaml rules[0].name: is missing, expected a string; quote it',
      'policy.yaml rules[0].namespaces: is missing, expected a list of 1 to 1000 strings',
    ])
  })

  it('refuse what can never match: ports, capitals, misspelt words, empty lists', () => {
    for (const rule of [
      "hosts: ['a.example:443']",
      'hosts: [A.example]',
      'hosts: []',
      'hosts: a.example',
      'sources: [aws-sts]',
      "sources: ['k8s*']",
      'exchanges: [azure]',
      'https: [intercepted]',
      'roleArns: [a b]',
      'audiences: [5]',
    ])
      expect(complaints(rule), rule).to.have.lengthOf(1)
    for (const rule of [
      "hosts: ['*']",
      "sources: ['*', 'kube*']",
      'exchanges: [entra, vault]',
      'https: [refuse, intercept]',
      "audiences: ['*', 'api://x']",
    ])
      expect(complaints(rule), rule).to.deep.equal([])
  })

  it('say what a policy as JSON names twice: only the last would count', () => {
    const policy = '{"rules": [{"name": "a", "namespaces": ["shop"],\n"hosts": ["a.example"], "hosts": ["*"]}]}'
    expect(read(policy).complaints).to.have.lengthOf(1)
    expect(read(policy).complaints[0]).to.match(
      /^policy\.yaml: got .*, expected JSON that names every member once \(line 2: "hosts" comes again\)$/,
    )
  })

  it('say where YAML is broken', () => {
    expect(read('rules:\n  - {name: a').complaints[0]).to.match(/^policy\.yaml: got .*, expected valid YAML \(line 2: /)
  })

  it('are those of the example', () => {
    const { data } = parse(readFileSync('manifests/examples/policy.yaml', 'utf8')) as { data: Record<string, string> }
    const { value, complaints: said } = read(data['policy.yaml'] ?? '')
    expect(said).to.deep.equal([])
    expect(value).to.have.lengthOf(2)
  })
})
