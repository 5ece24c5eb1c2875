import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createInjector } from '../../../webhook/src/injection/decide.ts'
import { INJECTION_DEFAULTS } from '../../../webhook/src/injection/settings.ts'
import { applyPatch } from '../../support/json-patch.ts'

interface RecordedPod {
  readonly spec: {
    readonly initContainers: readonly { readonly name: string; readonly restartPolicy?: string }[]
    readonly containers: readonly { readonly env: readonly { readonly name: string }[] }[]
  }
}

describe('injection of a pod as an API server sent it', () => {
  const path = 'test/fixtures/reviews/admissionreview-kubernetes-1.36.json'
  const { request } = JSON.parse(readFileSync(path, 'utf8')) as {
    request: { object: RecordedPod; operation: string }
  }
  const inject = createInjector({ ...INJECTION_DEFAULTS, image: 'registry.example/proxy:1' })
  const decide = (pod: unknown): ReturnType<typeof inject> => inject({ pod, mode: 'pod', operation: request.operation })

  it('adds the sidecar first and the variables to every container, once', () => {
    const decision = decide(request.object)
    if (decision.kind !== 'inject') expect.fail(JSON.stringify(decision))
    const { spec, ...rest } = applyPatch(request.object, decision.patch)
    expect(spec.initContainers.map(({ name }) => name)).to.deep.equal(['aws-outbound-jwt-proxy', 'migrate'])
    expect(spec.initContainers[0]?.restartPolicy).to.equal('Always')
    expect(spec.containers[0]?.env.map(({ name }) => name)).to.deep.equal([
      'HTTP_PROXY',
      'http_proxy',
      'NO_PROXY',
      'no_proxy',
      'NODE_USE_ENV_PROXY',
      'LOG_LEVEL',
    ])
    expect(decide({ ...rest, spec })).to.deep.equal({ kind: 'allow', reason: 'unchanged', warnings: [] })
  })
})
