import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Problem, TokenFile } from '../../../proxy/src/contract.ts'
import {
  MOST_TOKEN_FILES,
  SDKS,
  SDK_NAMES,
  buildTokenFile,
  describeProblem,
  formatTokenFiles,
  parseTokenFiles,
  sdkVariables,
} from '../../../proxy/src/contract.ts'

function parse(entries: unknown): { files: readonly TokenFile[]; complaints: readonly string[] } {
  const problems: Problem[] = []
  const text = typeof entries === 'string' ? entries : JSON.stringify(entries)
  const files = parseTokenFiles(text, 'TOKEN_FILES', (problem) => problems.push(problem))
  return { files, complaints: problems.map(describeProblem) }
}

function fileOf(fields: object): TokenFile {
  const { files, complaints } = parse([{ name: 'partner', ...fields }])
  expect(complaints).to.deep.equal([])
  return files[0] ?? expect.fail('no file')
}

const complaintsOf = (fields: object): readonly string[] => parse([{ name: 'partner', ...fields }]).complaints

const PROVIDER = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/aws1/providers/orders'
const AZURE = { azure: { clientId: 'c', tenantId: 'contoso.example' } }
const GOOGLE = { google: { audience: PROVIDER } }

describe('TOKEN_FILES', () => {
  it('gives every field its default', () => {
    expect(fileOf({ audience: ['a'] })).to.deep.equal({
      name: 'partner',
      source: 'aws',
      audience: ['a'],
      durationSeconds: 900,
      signingAlgorithm: 'RS256',
      tags: {},
    })
  })

  it('takes audience and life from the SDK that reads the file', () => {
    expect(fileOf({ sdk: AZURE }))
      .to.include({ durationSeconds: 1800 })
      .and.to.deep.include({
        audience: ['api://AzureADTokenExchange'],
      })
    expect(fileOf({ sdk: GOOGLE }))
      .to.include({ durationSeconds: 900 })
      .and.to.deep.include({
        audience: [`https:${PROVIDER}`],
      })
    expect(fileOf({ sdk: AZURE, audience: ['b'], durationSeconds: 600 })).to.include({ durationSeconds: 600 })
  })

  it('takes them from the exchange where there is one', () => {
    const exchange = { preset: 'openai', identityProviderId: 'i', serviceAccountId: 's' }
    expect(fileOf({ exchange }).audience).to.deep.equal(['https://api.openai.com/v1'])
  })

  it('reads back what it writes, and writes no default', () => {
    const files = [
      fileOf({ audience: ['a'], tags: { team: 'x' } }),
      { ...fileOf({ sdk: GOOGLE }), name: 'gcp' },
      { ...fileOf({ source: 'kubernetes', audience: ['a'], subjectTokenFile: '/t' }), name: 'cluster' },
      {
        ...fileOf({ exchange: { type: 'vault', address: 'https://v.example', role: 'r' }, audience: ['v'] }),
        name: 'v',
      },
    ]
    const text = formatTokenFiles(files)
    expect(parse(text).files).to.deep.equal(files)
    expect(text).not.to.match(/RS256|"aws"|900/)
  })

  it('leaves the SDK out where the webhook alone reads it, and keeps what it stands for', () => {
    const token = { ...fileOf({ sdk: AZURE }) }
    Reflect.deleteProperty(token, 'sdk')
    expect(parse(formatTokenFiles([fileOf({ sdk: AZURE })])).files).to.deep.equal([token])
  })

  for (const [what, fields, complaint] of [
    ['a file without audience', {}, 'audience: is missing, expected at least one audience: a file has no host'],
    ['a name with a slash', { name: '../x', audience: ['a'] }, 'name: got "../x", expected 1 to 63 letters'],
    ['a name that starts with a dot', { name: '.new', audience: ['a'] }, 'name: got ".new", expected 1 to 63'],
    ['an unknown field', { audience: ['a'], hosts: ['a.example'] }, 'hosts: got "hosts", expected one of name, sdk'],
    ['an unknown SDK', { sdk: { oracle: {} } }, 'sdk: got "{\\"oracle\\":{}}", expected a mapping with one of azure'],
    ['two SDKs', { sdk: { ...AZURE, ...GOOGLE } }, 'expected a mapping with one of azure, google'],
    ['a parameter that is missing', { sdk: { azure: { clientId: 'c' } } }, 'sdk.azure.tenantId: is missing'],
    [
      'an unknown parameter',
      { sdk: { azure: { ...AZURE.azure, x: 1 } } },
      'sdk.azure.x: got "x", expected one of clientId',
    ],
    [
      'a signature that the SDK cannot use',
      { sdk: AZURE, signingAlgorithm: 'ES384' },
      'expected RS256 with sdk azure. Entra',
    ],
    ['two audiences for Azure', { sdk: AZURE, audience: ['a', 'b'] }, 'expected one audience with sdk azure'],
    [
      'an exchange beside an SDK',
      { sdk: AZURE, exchange: { type: 'vault', address: 'https://v.example', role: 'r' } },
      'nothing beside sdk',
    ],
    ['a cluster token without its file', { source: 'kubernetes', audience: ['a'] }, 'subjectTokenFile: is missing'],
  ] as const)
    it(`refuses ${what}`, () => {
      expect(complaintsOf(fields).join('\n')).to.include(complaint)
    })

  it('refuses a name twice, an SDK twice, and the name of the file that Google reads', () => {
    const google = { name: 'gcp', sdk: GOOGLE }
    const plain = { name: 'gcp.json', audience: ['a'] }
    expect(parse([plain, plain]).complaints).to.deep.equal([
      'TOKEN_FILES[1].name: got "gcp.json", expected another name: each file once',
    ])
    expect(parse([google, plain]).complaints).to.deep.equal([
      'TOKEN_FILES[1].name: got "gcp.json", expected another name: sdk google of gcp writes that file',
    ])
    expect(parse([plain, google]).complaints).to.deep.equal([
      'TOKEN_FILES[1].name: got "gcp", expected another name: gcp.json is written next to it',
    ])
    expect(parse([google, { ...google, name: 'other' }]).complaints).to.deep.equal([
      'TOKEN_FILES[1].sdk: got "google", expected each SDK once: its variables name one file',
    ])
  })

  it('refuses a member that comes twice in one file', () => {
    expect(parse('[{"name": "a", "audience": ["x"], "name": "b"}]').complaints[0]).to.match(
      /^TOKEN_FILES: got .*, expected JSON that names every member once \(line 1: "name" comes again\)$/,
    )
  })

  it('refuses more files than fit', () => {
    const many = Array.from({ length: MOST_TOKEN_FILES + 1 }, (_, index) => ({ name: `f${index}`, audience: ['a'] }))
    expect(parse(many).complaints).to.deep.equal(['TOKEN_FILES: got "33 files", expected at most 32'])
  })

  for (const text of ['', '{', '{}', '[1]'])
    it(`refuses what is no list of objects: ${text || 'nothing'}`, () => {
      expect(parse(text).complaints).to.have.lengthOf(1)
    })
})

describe('the table of SDKs', () => {
  it('names the token file in a variable of every SDK', () => {
    for (const name of SDK_NAMES) expect(Object.values(SDKS[name].variables).join(' '), name).to.include('{file}')
  })

  it('names only parameters that there are', () => {
    for (const name of SDK_NAMES)
      for (const [, parameter] of Object.values(SDKS[name].variables)
        .join(' ')
        .matchAll(/\{(\w+)\}/g))
        expect([...Object.keys(SDKS[name].parameters), 'file'], name).to.include(parameter)
  })

  it('sets no variable of a parameter that was not given', () => {
    expect(sdkVariables(AZURE, '/tokens/azure')).to.deep.equal([
      ['AZURE_CLIENT_ID', 'c'],
      ['AZURE_TENANT_ID', 'contoso.example'],
      ['AZURE_FEDERATED_TOKEN_FILE', '/tokens/azure'],
    ])
    expect(sdkVariables(GOOGLE, '/tokens/gcp')).to.deep.equal([['GOOGLE_APPLICATION_CREDENTIALS', '/tokens/gcp.json']])
  })

  it('wants an audience where the SDK has no usual one', () => {
    const sdk = { alibaba: { roleArn: 'acs:ram::1:role/r', oidcProviderArn: 'acs:ram::1:oidc-provider/p' } }
    const problems: Problem[] = []
    buildTokenFile(
      { name: 'a', sdk },
      (field) => field,
      (problem) => problems.push(problem),
    )
    expect(problems.map(describeProblem).join()).to.include('audience that the partner behind sdk alibaba checks')
  })
})
