import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { parse, stringify } from 'yaml'
import { createTestAuthority } from '../support/certificates.ts'
import { ALERTS } from '../support/generate/alerts.ts'
import { ALL_QUERIES } from '../support/generate/dashboard.ts'
import { HAS_PROMETHEUS, startPrometheus } from '../support/prometheus.ts'
import type { Prometheus, Series } from '../support/prometheus.ts'
import { call } from '../support/proxy/client.ts'
import { secureThrough } from '../support/proxy/interception.ts'
import { PARTNER_HOST, startStack } from '../support/stack/stack.ts'
import type { Stack } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'
import { recordedReview, startWebhook, withAnnotation } from '../support/webhook.ts'
import type { RunningWebhook } from '../support/webhook.ts'

const POD = { namespace: 'shop', pod: 'orders-0' }

/** What Grafana would put in the place of its variables. */
const filled = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '1m').replaceAll('$namespace', POD.namespace).replaceAll('$pod', POD.pod)

describe(`dashboard and alerts${HAS_PROMETHEUS ? '' : ' (prometheus is not installed)'}`, () => {
  let directory: string
  let stack: Stack
  let webhook: RunningWebhook
  let prometheus: Prometheus
  before(async function () {
    if (!HAS_PROMETHEUS) this.skip()
    this.timeout(60_000)
    directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-monitoring-'))
    for (const name of ['trust', 'authority', 'tokens']) mkdirSync(join(directory, name))
    const client = await (await createTestAuthority('clients')).issue(['orders'])
    writeFileSync(join(directory, 'tls.crt'), client.cert)
    writeFileSync(join(directory, 'tls.key'), client.key)
    stack = await startStack({
      route: { https: 'intercept', clientCertificateDir: directory },
      environment: {
        TRUST_DIR: join(directory, 'trust'),
        AUTHORITY_DIR: join(directory, 'authority'),
        TOKENS_DIR: join(directory, 'tokens'),
        TOKEN_FILES: JSON.stringify([{ name: 'azure', audience: ['api://AzureADTokenExchange'] }]),
      },
    })
    stack.partner.behave((request, response) => {
      response.writeHead(request.url === '/refused' ? 401 : 200).end()
    })
    webhook = await startWebhook(directory, await createTestAuthority())
    prometheus = await startPrometheus(directory, [
      { address: `127.0.0.1:${stack.adminPort}`, ...POD },
      { address: webhook.adminAddress, namespace: 'outbound-jwt-system', pod: 'injector-0' },
    ])
  })
  after(async () => {
    if (!HAS_PROMETHEUS) return
    await prometheus.close()
    webhook.process.signal('SIGKILL')
    await stack.close()
    rmSync(directory, { recursive: true })
  })

  /** A bit of everything that the panels show. */
  async function work(): Promise<void> {
    const target = `${PARTNER_HOST}:${stack.partner.port}`
    const status = async (url: string): Promise<number> => (await call(stack.proxyPort, url)).status
    expect(await status(stack.url)).to.equal(200)
    expect(await status(`${stack.url}refused`)).to.equal(401)
    expect(await status('http://169.254.169.254/')).to.equal(403)
    // Asks for a new token.
    expect((await fetch(`http://127.0.0.1:${stack.controlPort}/doctor`)).status).to.equal(200)
    const stranger = (await createTestAuthority('a stranger')).ca
    await secureThrough(stack.proxyPort, target, { ca: stranger }).catch(() => undefined)
    const review = recordedReview()
    expect((await webhook.review(review)).allowed).to.equal(true)
    expect((await webhook.review(withAnnotation(review, 'outbound-jwt.io/hosts', '10.0.0.1'))).allowed).to.equal(false)
  }

  it('show in every panel what was done', async () => {
    let empty: readonly string[] = []
    await until(
      'every panel has a curve',
      async () => {
        await work()
        const found = await Promise.all(
          ALL_QUERIES.map(async ({ expr }) => (await prometheus.query(filled(expr))).map(valueOf)),
        )
        empty = ALL_QUERIES.filter((_, index) => !found[index]!.some((value) => value > 0)).map(({ title }) => title)
        return empty.length === 0
      },
      60_000,
      1_000,
    ).catch(() => expect(empty).to.deep.equal([]))
  }).timeout(90_000)

  it('count injected pods by their version', async () => {
    const [series, ...others] = await prometheus.query('count by (version) (outbound_jwt_proxy_build_info)')
    expect(others).to.deep.equal([])
    expect(series?.value[1]).to.equal('1')
    expect(series?.metric['version']).to.match(/^\d+\.\d+\.\d+$/)
  })

  it('are rules that Prometheus takes, and fire for what was done', async () => {
    await promtool('check', 'rules', ALERTS)
    const { groups } = parse(readFileSync(ALERTS, 'utf8')) as {
      groups: { rules: { alert: string; expr: string }[] }[]
    }
    // The certificates of the test end tomorrow.
    const expected = [
      'OutboundJwtCertificateExpiring',
      'OutboundJwtClientCertificateExpiring',
      'OutboundJwtPodsRefused',
    ]
    let firing: string[] = []
    // A counter that was scraped once has no rate yet.
    await until(
      'there is an alert for all that was done',
      async () => {
        await work()
        firing = []
        for (const { alert, expr } of groups.flatMap(({ rules }) => rules))
          if ((await prometheus.query(expr)).length > 0) firing.push(alert)
        return expected.every((alert) => firing.includes(alert))
      },
      30_000,
      1_000,
    ).catch(() => undefined)
    expect(firing).to.deep.equal(expected)
  }).timeout(60_000)
})

describe(`the alert on a partner that refuses tokens${HAS_PROMETHEUS ? '' : ' (prometheus is not installed)'}`, () => {
  const ALERT = 'OutboundJwtPartnerRefuses'
  const LABELS = { ...POD, route: 'partner' }
  const FIRES = {
    exp_labels: { ...LABELS, severity: 'warning' },
    exp_annotations: {
      summary: `Pod ${POD.namespace}/${POD.pod}: the partner of partner answers nearly every call with 401, as to a token that it does not accept.`,
    },
  }
  /** A counter that grows so much each minute. */
  const calls = (status: string, perMinute: number): object => ({
    series: `http_client_request_duration_seconds_count{namespace="${POD.namespace}",pod="${POD.pod}",route="partner",http_response_status_code="${status}"}`,
    values: `0+${perMinute}x40`,
  })
  before(function () {
    if (!HAS_PROMETHEUS) this.skip()
  })

  for (const [name, ok, refused, fires] of [
    ['fires where nearly every call of a route is answered with 401', 1, 60, true],
    ['is silent where some users are refused', 60, 20, false],
    ['is silent where nobody calls', 0, 0, false],
  ] as const)
    it(name, async () => {
      const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-alert-'))
      const file = join(directory, 'test.yaml')
      const expectation = { eval_time: '30m', alertname: ALERT, exp_alerts: fires ? [FIRES] : [] }
      writeFileSync(
        file,
        stringify({
          rule_files: [resolve(ALERTS)],
          evaluation_interval: '1m',
          tests: [
            { interval: '1m', input_series: [calls('200', ok), calls('401', refused)], alert_rule_test: [expectation] },
          ],
        }),
      )
      try {
        await promtool('test', 'rules', file)
      } finally {
        rmSync(directory, { recursive: true })
      }
    })
})

/** @throws with what it prints, where it finds something wrong. */
function promtool(...args: readonly string[]): Promise<void> {
  return new Promise((done, reject) => {
    execFile('promtool', args, (error, stdout, stderr) => (error ? reject(new Error(stdout + stderr)) : done()))
  })
}

const valueOf = ({ value }: Series): number => Number(value[1])
