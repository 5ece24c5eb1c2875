import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Outcome } from '../../../../webhook/src/cli/outcome.ts'
import { run } from '../../../../webhook/src/cli/run.ts'
import { KubeError } from '../../../../webhook/src/kube/failure.ts'
import type { Answers } from '../../../support/cli/cluster.ts'
import { fakeCluster } from '../../../support/cli/cluster.ts'
import { NOWHERE } from '../../../support/cli/files.ts'

const pod = (name: string, routes: object, { version = '0.1.0', ready = true, port = '15401' } = {}): object => ({
  metadata: {
    name,
    namespace: 'shop',
    annotations: { 'outbound-jwt.io/status': JSON.stringify({ version, inputs: 'a', warnings: [] }) },
  },
  spec: {
    initContainers: [
      {
        name: 'aws-outbound-jwt-proxy',
        env: [
          { name: 'ROUTES', value: JSON.stringify(routes) },
          { name: 'ADMIN_LISTEN_ADDR', value: `[::]:${port}` },
        ],
      },
    ],
  },
  status: { initContainerStatuses: [{ name: 'aws-outbound-jwt-proxy', ready }] },
})
const ended = { ...pod('ended', []), status: { phase: 'Succeeded' } }
const METRICS = `# HELP http_server_request_duration_seconds b
http_server_request_duration_seconds_count{route="a",http_response_status_code="200",error_type=""} 40
http_server_request_duration_seconds_count{route="a",http_response_status_code="502",error_type="token_denied"} 3
http_server_request_duration_seconds_count{route="a",http_response_status_code="401",error_type=""} 2
http_server_request_duration_seconds_count{route="a",http_response_status_code="404",error_type=""} 9
http_server_request_duration_seconds_count{route="a",http_response_status_code="504",error_type="upstream_timeout"} 1
outbound_jwt_token_issued_timestamp_seconds{route="a"} 10000
outbound_jwt_token_expiry_timestamp_seconds{route="a"} 10900
`
const scrape = (name: string, port = '15401'): string => `/api/v1/namespaces/shop/pods/${name}:${port}/proxy/metrics`
const LIST = '/api/v1/namespaces/shop/pods?labelSelector=outbound-jwt.io%2Finjected%3Dtrue&limit=100'
const ONE: Answers = {
  [LIST]: {
    items: [
      pod('orders', [{ hosts: ['api.partner.example'], https: 'intercept' }]),
      { metadata: { name: 'plain' } },
      ended,
    ],
  },
  [scrape('orders')]: METRICS,
}

const status = async (answers: Answers, ...args: readonly string[]): Promise<Outcome> =>
  run(['status', ...args], {
    ...NOWHERE,
    nowMs: () => 10_300_000,
    cluster: () => Promise.resolve(fakeCluster(answers)),
  })

describe('status', () => {
  it('shows an injected pod on one line, and none that is plain or over', async () => {
    expect(await status(ONE, '-n', 'shop')).to.deep.equal({
      status: 0,
      stdout: `NAMESPACE  POD     READY  VERSION  PARTNERS             HTTPS      TOKEN             REQUESTS  FAILED  MOSTLY
shop       orders  yes    0.1.0    api.partner.example  intercept  5m old, 10m left  55        6       token_denied
`,
      stderr: '',
    })
  })

  it('shows what a forged pod says of itself as text, so that no terminal obeys it', async () => {
    const forged = '\u001b[2J\u001b]0;x\u0007\nshop  other  yes\u202e'
    const {
      stdout,
      stderr,
      status: code,
    } = await status(
      {
        [LIST]: {
          items: [
            pod('evil', [{ hosts: [forged], https: forged }], { version: forged }),
            pod('mute', [], { port: '9000' }),
          ],
        },
        [scrape('evil')]: METRICS.replaceAll('token_denied', forged.replace('\n', '')),
        [scrape('mute', '9000')]: new KubeError('unavailable', forged),
      },
      '-n',
      'shop',
    )
    expect(stdout).to.match(/^[\x20-\x7e\n]*$/)
    expect(stdout.split('\n')).to.have.length(4)
    expect(stderr).to.match(/^[\x20-\x7e]*\n$/)
    expect(code).to.equal(0)
  })

  it('shows a missing right as text, whoever names it', async () => {
    const forged = new KubeError('forbidden', 'you may not', 'get \u001b[2J\u009b31m')
    for (const path of [LIST, scrape('orders')]) {
      const { stderr } = await status({ ...ONE, [path]: forged }, '-n', 'shop')
      expect(stderr)
        .to.match(/^[\x20-\x7e\n]*$/)
        .and.to.contain('the right to get \\u001b[2J\\u009b31m.')
    }
  })

  it('shows a pod in a time that grows with what it answers, and the others all the same', async () => {
    const issued = 'outbound_jwt_token_issued_timestamp_seconds'
    const count = 'http_server_request_duration_seconds_count'
    const expires = 'outbound_jwt_token_expiry_timestamp_seconds'
    const { status: code, stdout } = await status(
      {
        [LIST]: { items: ['cut', 'many', 'label', 'open', 'row', 'orders'].map((name) => pod(name, [])) },
        [scrape('cut')]: new KubeError('unavailable', 'the answer ends early'),
        [scrape('many')]: `${issued} 10000\n${expires} 10900\n`.repeat(200_000),
        [scrape('label')]: `${count}{${'a'.repeat(400_000)}} 1\n`,
        [scrape('open')]: `${count}{a="${'a'.repeat(8_000_000)}} 1\n`,
        [scrape('row')]: `${count}{${'a'.repeat(8_000)}} 1\n`.repeat(1_000),
        [scrape('orders')]: METRICS,
      },
      '-n',
      'shop',
    )
    expect(code).to.equal(0)
    expect(stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, '|'))).to.deep.equal([
      'NAMESPACE|POD|READY|VERSION|PARTNERS|HTTPS|TOKEN|REQUESTS|FAILED|MOSTLY',
      'shop|cut|yes|0.1.0|?|?|?',
      'shop|many|yes|0.1.0|5m old, 10m left|0|0',
      'shop|label|yes|0.1.0|none yet|0|0',
      'shop|open|yes|0.1.0|none yet|0|0',
      'shop|row|yes|0.1.0|none yet|1000|0',
      'shop|orders|yes|0.1.0|5m old, 10m left|55|6|token_denied',
      '',
    ])
  })

  it('shows the beginning of what a pod makes long, so that its column fits the others', async () => {
    const long = 'x'.repeat(100_000)
    const { stdout, stderr } = await status(
      {
        [LIST]: {
          items: [
            pod('long', [{ hosts: [long], https: long }], { version: long }),
            ...Array.from({ length: 50 }, (_, index) => pod(`orders-${index}`, [])),
            pod('mute', []),
          ],
        },
        [scrape('long')]: METRICS.replaceAll('token_denied', 'x'.repeat(1_000)),
        [scrape('mute')]: new KubeError('unavailable', long),
      },
      '-n',
      'shop',
    )
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).to.be.below(1_200)
    expect(stdout).to.match(
      /^shop +long +yes +x{253}\.\.\. +x{253}\.\.\. +x{253}\.\.\. +5m old, 10m left +55 +6 +x{253}\.\.\.$/m,
    )
    expect(stderr).to.match(/^outbound-jwt: metrics of shop\/mute cannot be read: x{1000}\.\.\.$/m)
  })

  it('shows a pod whose routes hold what is no host', async () => {
    const hosts = [{ toString: 1, valueOf: 1 }, null, 'api.partner.example']
    const { stdout } = await status({ ...ONE, [LIST]: { items: [pod('orders', [{ hosts }])] } }, '-n', 'shop')
    expect(stdout).to.match(/^shop +orders .* api\.partner\.example /m)
  })

  it('names another version, a sidecar that is not ready, and metrics that cannot be read', async () => {
    const routes = [{ hosts: ['a.example', 'b.example'] }, { hosts: ['c.example'], https: 'tunnel' }]
    const { stdout, stderr } = await status(
      {
        [LIST]: { items: [pod('old', routes, { version: '0.0.9', ready: false, port: '9000' })] },
        [scrape('old', '9000')]: new KubeError('unavailable', 'connection refused'),
      },
      '-n',
      'shop',
    )
    expect(stdout.split('\n')[1]).to.match(
      /^shop +old +no +0\.0\.9 \(not 0\.1\.0\) +a\.example,b\.example \+1 +refuse,tunnel +\? +\? +\?$/,
    )
    expect(stderr).to.equal('outbound-jwt: metrics of shop/old cannot be read: connection refused\n')
  })

  it('names a right that is missing once, however many pods there are', async () => {
    const forbidden = new KubeError('forbidden', 'you may not', 'get pods/proxy in namespace shop')
    const { status: ended, stderr } = await status(
      {
        [LIST]: { items: [pod('a', []), pod('b', [])] },
        [scrape('a')]: forbidden,
        [scrape('b')]: forbidden,
      },
      '-n',
      'shop',
    )
    expect(ended).to.equal(0)
    expect(stderr.split('\n')).to.deep.equal([
      'outbound-jwt: metrics of shop/a cannot be read: you may not',
      'outbound-jwt: metrics of shop/b cannot be read: you may not',
      '  fix: Ask an administrator of the cluster for the right to get pods/proxy in namespace shop.',
      '  see https://github.com/aws-outbound-jwt-injector/aws-outbound-jwt-injector/blob/main/docs/cli.md#rights',
      '',
    ])
    const list = new KubeError('forbidden', 'you may not', 'list pods in namespace shop')
    expect(await status({ [LIST]: list }, '-n', 'shop'))
      .to.include({ status: 69 })
      .and.to.have.property('stderr')
      .that.contains('the right to list pods in namespace shop.')
  })

  it('reads every page of a list, at most 32 sidecars at a time, in order', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `orders-${index}`)
    let open = 0
    let most = 0
    const answer = async (): Promise<string> => {
      most = Math.max(most, (open += 1))
      await new Promise(setImmediate)
      open -= 1
      return METRICS
    }
    const { stdout } = await status(
      {
        '/api/v1/pods?labelSelector=outbound-jwt.io%2Finjected%3Dtrue&limit=100': {
          items: names.slice(0, 40).map((name) => pod(name, [])),
          metadata: { continue: 'a=' },
        },
        '/api/v1/pods?labelSelector=outbound-jwt.io%2Finjected%3Dtrue&limit=100&continue=a%3D': {
          items: names.slice(40).map((name) => pod(name, [])),
        },
        ...Object.fromEntries(names.map((name) => [scrape(name), answer])),
      },
      '-A',
    )
    expect(
      stdout
        .split('\n')
        .slice(1, -1)
        .map((line) => line.split(/ +/)[1]),
    ).to.deep.equal(names)
    expect(most).to.equal(32)
  })

  it('asks for 30 s, those that are ready first, and says how many pods it has not asked', async () => {
    let now = 0
    const silent = Array.from({ length: 200 }, (_, index) => `silent-${index}`)
    // Pods that are asked together are silent together.
    let silence: Promise<void> | undefined
    const nothing = async (): Promise<never> => {
      silence ??= new Promise(setImmediate).then(() => {
        now += 10_000
        silence = undefined
      })
      await silence
      throw new KubeError('unavailable', 'no answer within 10 s')
    }
    const answers = {
      [LIST]: { items: [...silent.map((name) => pod(name, [], { ready: false })), pod('orders', [])] },
      ...Object.fromEntries(silent.map((name) => [scrape(name), nothing])),
      [scrape('orders')]: METRICS,
    }
    const world = { ...NOWHERE, nowMs: () => now, cluster: () => Promise.resolve(fakeCluster(answers)) }
    const { stdout, stderr } = await run(['status', '-n', 'shop'], world)
    expect(now).to.equal(30_000)
    const lines = stdout.split('\n').slice(1, -1)
    expect(lines).to.have.length(201)
    expect(lines.filter((line) => line.includes('?')))
      .to.have.length(200)
      .and.to.deep.equal(lines.slice(0, 200))
    const said = stderr.split('\n').slice(0, -1)
    expect(said.filter((line) => line.endsWith('cannot be read: no answer within 10 s'))).to.have.length(96)
    expect(said.slice(96)).to.deep.equal([
      'outbound-jwt: 104 of 201 pods were not asked, because others took 30 s; find out why those above do not answer, or look at one namespace with -n',
    ])
    now = 0
    const json = await run(['status', '-n', 'shop', '-o', 'json'], world)
    expect(JSON.parse(json.stdout)).to.have.nested.property('[199].work.problem', 'not asked, because others took 30 s')
  })

  it('prints JSON for other tools, and says when there is nothing', async () => {
    const { stdout } = await status(ONE, '-n', 'shop', '-o', 'json')
    expect(JSON.parse(stdout)).to.have.nested.property('[0].work.failures', 6)
    expect(await status({ [LIST]: { items: [] } }, '-n', 'shop')).to.include({
      stdout: 'no injected pod in namespace shop; -A looks at every namespace\n',
    })
    const forged = {
      '/api/v1/namespaces/a\nb\u001b/pods?labelSelector=outbound-jwt.io%2Finjected%3Dtrue&limit=100': {},
    }
    expect((await status(forged, '-n', 'a\nb\u001b')).stdout).to.match(/^no injected pod in [\x20-\x7e]+\n$/)
  })

  it('goes on with --watch until it is interrupted', async () => {
    const printed: string[] = []
    const outcome = await run(['status', '-n', 'shop', '--watch'], {
      ...NOWHERE,
      cluster: () => Promise.resolve(fakeCluster(ONE)),
      print: (text) => printed.push(text),
      pause: () => Promise.resolve(printed.length < 3),
    })
    expect(printed).to.have.lengthOf(3)
    expect(outcome).to.deep.equal({ status: 0, stdout: '', stderr: '' })
  })
})
