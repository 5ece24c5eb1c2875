import { readFileSync, readdirSync } from 'node:fs'
import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { parse } from 'yaml'
import { isInstalled } from '../support/chart/tools.ts'
import { INSTALL, installManifest } from '../support/generate/chart-install.ts'

/** A tool is a process of its own, on a machine that may be busy. */
const SLOW_MS = 60_000

describe('the plain manifest', () => {
  it('is what kustomize takes', () => {
    const { resources } = parse(readFileSync('manifests/kustomization.yaml', 'utf8')) as { resources: string[] }
    expect(readdirSync('manifests')).to.include.members(resources)
    expect(resources).to.deep.equal(['install.yaml'])
  })

  it('holds neither keys nor anything of Helm', () => {
    const text = readFileSync(INSTALL, 'utf8')
    expect(text).not.to.match(/caBundle:|PRIVATE KEY|^(?:data|stringData):|Helm|helm/m)
  })
})

describe('the plain manifest, by helm', function () {
  this.timeout(SLOW_MS)
  before(function () {
    if (!isInstalled('helm')) this.skip()
  })

  it('is the chart with manifests/values.yaml; `npm run generate` brings it up to date', () => {
    expect(readFileSync(INSTALL, 'utf8')).to.equal(installManifest())
  })
})
