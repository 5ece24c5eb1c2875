import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ERRORS, FAILURES } from '../../../proxy/src/reference.ts'
import { ANNOTATIONS } from '../../../webhook/src/injection/annotations/annotations.ts'
import { REASONS } from '../../../webhook/src/injection/outcome.ts'
import { runWith } from '../../support/cli/files.ts'

const explain = (word: string): string => {
  const { status, stdout, stderr } = runWith({}, 'explain', word)
  expect({ status, stderr }, word).to.deep.equal({ status: 0, stderr: '' })
  return stdout
}

describe('explain', () => {
  it('prints the row, the fix and the page of a word', () => {
    expect(explain('token_denied')).to.equal(
      `token_denied: error of the sidecar, status 502, a retry does not help
  ${ERRORS.token_denied.meaning}
  fix: ${ERRORS.token_denied.hint}
  see https://github.com/aws-outbound-jwt-injector/aws-outbound-jwt-injector/blob/main/docs/errors.md
`,
    )
  })

  it('knows every reason, error, failure and annotation', () => {
    for (const word of [REASONS, ERRORS, FAILURES, ANNOTATIONS].flatMap((table) => Object.keys(table)))
      expect(explain(word)).to.contain(`${word}: `)
  })

  it('knows fields of routes, variables, metrics and checks of doctor', () => {
    expect(explain('signingAlgorithm')).to.contain('field of a route in outbound-jwt.io/routes, such as ')
    expect(explain('ROUTES')).to.contain('variable of the sidecar, default []')
    expect(explain('UPSTREAM_HOST')).to.contain('variable of the proxy in standalone mode')
    expect(explain('CERTIFICATE_MODE')).to.contain('variable of the webhook')
    expect(explain('outbound_jwt_retries_total')).to.contain('counter of the sidecar, labels route')
    expect(explain('federation')).to.contain('check of doctor')
    expect(explain('configuration-missing')).to.contain("problem with the webhook's certificate")
  })

  it('prints every table that has the word, however it is written', () => {
    const both = explain('outbound-jwt.io/hosts')
    expect(both).to.contain('annotation of a pod').and.to.contain('field of a route')
    expect(explain('HOSTS')).to.equal(both)
    expect(explain('env_conflict')).to.equal(explain('env-conflict'))
  })

  it('tells what a status may be, which is all that the command status knows of some failures', () => {
    expect(explain('401')).to.contain('it is the one of the partner').and.to.contain('fix: Of a partner: `challenge`')
    expect(explain('403'))
      .to.match(/answer of the sidecar: host_denied, .*\. Without it/)
      .and.to.contain('fix: Of a partner')
    expect(explain('502')).to.contain('token_denied').and.not.to.contain('fix:')
  })

  it('names words that are close to an unknown one', () => {
    const unknown = (word: string): string => {
      const { status, stdout, stderr } = runWith({}, 'explain', word)
      expect({ status, stdout }).to.deep.equal({ status: 1, stdout: '' })
      return stderr
    }
    expect(unknown('token_denyed')).to.equal(
      'outbound-jwt: nothing is called token_denyed; did you mean token_denied?\n',
    )
    expect(unknown('conflict')).to.contain('port-conflict').and.to.contain('env-conflict')
    expect(unknown('xyzzyplugh')).to.equal('outbound-jwt: nothing is called xyzzyplugh\n')
  })
})
