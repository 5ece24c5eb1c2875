import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { EnvironmentEdit } from '../../../../webhook/src/injection/application/environment-edits.ts'
import {
  environmentOperations,
  indexAfter,
  lateReferences,
  referencesOf,
} from '../../../../webhook/src/injection/application/environment-edits.ts'
import type { Container, Variable } from '../../../../webhook/src/injection/pod/pod.ts'
import { variablesOf } from '../../../../webhook/src/injection/pod/pod.ts'
import { SETTINGS } from '../../../support/injection/cases.ts'
import { at, list } from '../../../support/injection/object.ts'
import { applyPatch } from '../../../support/json-patch.ts'
import type { EnvVar } from '../../../support/kubelet.ts'
import { containerEnvironment } from '../../../support/kubelet.ts'
import { createInjector } from '../../../../webhook/src/injection/decide.ts'

const SERVICE = { KUBERNETES_SERVICE_HOST: '10.100.0.1' }

/** @returns the container's environment as its process sees it, after injection. */
function environment(
  env: readonly EnvVar[],
  annotations: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const prefixed = Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [`outbound-jwt.io/${key}`, value]),
  )
  const pod = {
    metadata: {
      annotations: { 'outbound-jwt.io/inject': 'true', 'outbound-jwt.io/hosts': 'api.partner.example', ...prefixed },
    },
    spec: { containers: [{ name: 'orders', image: 'x', env }] },
  }
  const decision = createInjector(SETTINGS)({ pod, mode: 'pod', operation: 'CREATE' })
  if (decision.kind !== 'inject') throw new Error(JSON.stringify(decision))
  const [container] = list(at(applyPatch<unknown>(pod, decision.patch), 'spec', 'containers'))
  return containerEnvironment(container?.['env'] as EnvVar[], { 'status.podIP': '192.0.2.7' }, SERVICE)
}

describe('the environment of a container', () => {
  it('has both spellings equal, with the API server called directly', () => {
    const env = environment([])
    expect(env['HTTP_PROXY']).to.equal('http://127.0.0.1:15400').and.to.equal(env['http_proxy'])
    expect(env['NO_PROXY']).to.contain(',10.100.0.1,').and.to.equal(env['no_proxy'])
    expect(env['NODE_USE_ENV_PROXY']).to.equal('1')
    expect(env).not.to.have.any.keys('HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'NODE_OPTIONS', 'JAVA_TOOL_OPTIONS')
  })

  it('keeps the order in which the kubelet expands variables', () => {
    const env = environment([
      { name: 'HOST', value: 'db.corp.example' },
      { name: 'CHILD_PROXY', value: '$(HTTP_PROXY)' },
      { name: 'NO_PROXY', value: '$(HOST)' },
      { name: 'CHILD_NO_PROXY', value: '$(no_proxy)' },
    ])
    expect(env['CHILD_PROXY']).to.equal('http://127.0.0.1:15400')
    expect(env['NO_PROXY']).to.match(/^db\.corp\.example,localhost,/)
    expect(env['CHILD_NO_PROXY']).to.equal(env['NO_PROXY'])
  })

  it("gives the author's no-proxy the variables of the container", () => {
    const env = environment([{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }], {
      'no-proxy': '$(IP),.corp.example',
    })
    expect(env['no_proxy']).to.match(/,192\.0\.2\.7,\.corp\.example$/)
  })

  it('makes a twin of a value it cannot read', () => {
    const env = environment([{ name: 'no_proxy', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }])
    expect(env['NO_PROXY']).to.equal('192.0.2.7')
  })

  it('puts options of a JVM behind its own', () => {
    const env = environment([{ name: 'JAVA_TOOL_OPTIONS', value: '-Xmx1g' }], { runtimes: 'java' })
    expect(env['JAVA_TOOL_OPTIONS']).to.match(
      /^-Xmx1g -Dhttp\.proxyHost=127\.0\.0\.1 -Dhttp\.proxyPort=15400 -Dhttp\.nonProxyHosts=localhost\|/,
    )
  })
})

describe('edits of a list of variables', () => {
  const containerOf = (env: unknown): Container => ({ list: 'containers', index: 0, name: 'a', raw: { env } })
  const apply = (env: unknown, edits: readonly EnvironmentEdit[]): readonly object[] =>
    list(
      at(
        applyPatch({ spec: { containers: [{ env }] } }, environmentOperations(containerOf(env), edits)).spec
          .containers[0],
        'env',
      ),
    )

  it('are applied at the places of the submitted list', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-e]{1,2}$/), { maxLength: 5 })
    const places = fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 6 })
    fc.assert(
      fc.property(names, places, (own, wanted) => {
        const variables = variablesOf(containerOf(own.map((name) => ({ name, value: 'own', more: 1 }))))
        const edits = wanted.flatMap(([place, isInsert], order): EnvironmentEdit[] => {
          const variable = variables[place % (own.length + 1)]
          if (isInsert) return [{ kind: 'insert', index: place % (own.length + 1), name: `new${order}`, value: 'x' }]
          return variable ? [{ kind: 'set', variable, value: 'set' }] : []
        })
        const result = apply(
          own.map((name) => ({ name, value: 'own', more: 1 })),
          edits,
        )
        const expected = Array.from({ length: own.length + 1 }, (_, index) => {
          const inserted = edits.flatMap((edit) =>
            edit.kind === 'insert' && edit.index === index ? [{ name: edit.name, value: 'x' }] : [],
          )
          const isSet = edits.some((edit) => edit.kind === 'set' && edit.variable.index === index)
          return [
            ...inserted,
            ...(index < own.length ? [{ name: own[index], value: isSet ? 'set' : 'own', more: 1 }] : []),
          ]
        }).flat()
        expect(result).to.deep.equal(expected)
      }),
      { numRuns: 2000 },
    )
  })

  it('replace a value from elsewhere as a whole, and add a value where there was none', () => {
    const env = [
      { name: 'A', valueFrom: {} },
      { name: 'B', future: 1 },
    ]
    const [a, b] = variablesOf(containerOf(env)) as [Variable, Variable]
    expect(
      apply(env, [
        { kind: 'set', variable: a, value: '1' },
        { kind: 'set', variable: b, value: '2' },
      ]),
    ).to.deep.equal([
      { name: 'A', value: '1' },
      { name: 'B', future: 1, value: '2' },
    ])
  })
})

describe('references between variables', () => {
  const variables = (...names: readonly string[]): readonly Variable[] =>
    names.map((name, index) => ({ name, index, value: '', raw: {} }))

  it('are what the kubelet would expand', () => {
    const list = variables('A', 'B', 'C')
    expect(indexAfter(referencesOf('x$(A)y$(C)'), list)).to.equal(3)
    expect(indexAfter(referencesOf('$$(C)$(A)'), list)).to.equal(1)
    expect(indexAfter(referencesOf('$(C'), list)).to.equal(0)
    expect(indexAfter(referencesOf('$((C)'), list)).to.equal(0)
    expect(indexAfter(referencesOf('$$$(B)'), list)).to.equal(2)
  })

  it('come too late for a variable above them', () => {
    const list = variables('A', 'B', 'C', 'B')
    expect(
      lateReferences(new Set(['A', 'B', 'C', 'D']), { name: 'A', index: 0, value: '', raw: {} }, list),
    ).to.deep.equal(['B', 'C'])
  })
})
