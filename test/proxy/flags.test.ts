import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SETTINGS, STANDALONE_TABLE } from '../../proxy/src/config.ts'
import { NO_FLAGS, formatHelp, readFlags } from '../../proxy/src/flags.ts'

const read = (...args: string[]): ReturnType<typeof readFlags> => readFlags(SETTINGS, args)

describe('flags', () => {
  it('are named after their variables, with dashes', () => {
    expect(read('--upstream-host=api.example', '--log-level', 'warn').values).to.deep.equal({
      UPSTREAM_HOST: 'api.example',
      LOG_LEVEL: 'warn',
    })
  })

  it('take the last value when given twice', () => {
    expect(read('--log-level=warn', '--log-level=info').values).to.deep.equal({ LOG_LEVEL: 'info' })
  })

  it('collect the audiences of a repeated --token-audience', () => {
    expect(read('--token-audience=a', '--token-audience', 'b').values).to.deep.equal({ TOKEN_AUDIENCE: 'a,b' })
  })

  it('that are true or false stand alone, or have their value after =', () => {
    expect(read('--metrics-enabled').values).to.deep.equal({ METRICS_ENABLED: 'true' })
    expect(read('--metrics-enabled=false').values).to.deep.equal({ METRICS_ENABLED: 'false' })
    expect(read('--metrics-enabled', 'false').problems).to.deep.equal([
      {
        where: 'argument 2',
        value: 'false',
        allowed: 'no arguments but flags; the value of a flag that is true or false is written --flag=value',
      },
    ])
  })

  it('take a value that begins with a dash', () => {
    expect(read('--pod-name', '--x').values).to.deep.equal({ POD_NAME: '--x' })
  })

  it('may be empty, which means unset', () => {
    expect(read('--upstream-host=').values).to.deep.equal({ UPSTREAM_HOST: '' })
  })

  it('have every problem reported at once, and say no value of an unknown one', () => {
    const { problems, values } = read('serve', '--api-key', 'hunter2', '--upstream_host=x', '-v', '--log-level')
    expect(problems.map(({ where }) => where)).to.deep.equal([
      'argument 1',
      '--api-key',
      '--upstream_host',
      '-v',
      '--log-level',
    ])
    expect(JSON.stringify(problems)).not.to.contain('hunter2')
    expect(problems.at(-1)).to.include({ value: '', allowed: '--log-level=value' })
    expect(values).to.deep.equal({})
  })

  it('never name a variable by a short or an inherited name', () => {
    expect(read('-metrics-enabled').problems).not.to.be.empty
    expect(read('--constructor=x', '--__proto__=y').problems).to.have.lengthOf(2)
  })

  it('ask for help or the version', () => {
    expect(read('--help', '--nonsense').wants).to.equal('help')
    expect(read('--version').wants).to.equal('version')
    expect(read().wants).to.equal(undefined)
  })

  it('name a setting by the flag that gave it', () => {
    const { nameOf } = read('--listen-addr=:1')
    expect(nameOf('LISTEN_ADDR')).to.equal('--listen-addr')
    expect(nameOf('LOG_LEVEL')).to.equal('LOG_LEVEL')
    expect(NO_FLAGS.nameOf('LOG_LEVEL')).to.equal('LOG_LEVEL')
  })
})

describe('--help', () => {
  const help = formatHelp(SETTINGS, STANDALONE_TABLE)
  it('lists every flag with its variable, default and meaning', () => {
    for (const { variable, doc } of Object.values(SETTINGS)) {
      expect(help).to.contain(`--${variable.toLowerCase().replaceAll('_', '-')}, ${variable}`)
      expect(help).to.contain(doc.replaceAll('`', ''))
    }
    expect(help).to.contain('--log-level, LOG_LEVEL (info)\n')
    expect(help).to.contain('--upstream-host, UPSTREAM_HOST\n')
  })
  it('says where standalone mode has another default', () => {
    expect(help).to.contain('LISTEN_ADDR (127.0.0.1:15400, standalone 127.0.0.1:8080)')
  })
})
