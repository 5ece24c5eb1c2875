import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { call, errorOf, open, response } from '../support/proxy/client.ts'
import type { CallOptions } from '../support/proxy/client.ts'
import type { LogLine } from '../support/process.ts'
import { ANSWER } from '../support/stack/partner.ts'
import type { Behaviour } from '../support/stack/partner.ts'
import { PARTNER_HOST, startStack } from '../support/stack/stack.ts'
import type { Stack } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'

/** Says what arrived at the partner. */
const REPORT: Behaviour = (incoming, outgoing) => {
  void text(incoming).then((body) => {
    const { method, url, rawHeaders } = incoming
    outgoing.end(JSON.stringify({ method, url, rawHeaders, body }))
  })
}

interface Report {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly body: string
}

const names = (rawHeaders: readonly string[]): string[] =>
  rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
const claims = (rawHeaders: readonly string[]): { aud: string; exp: number; iat: number } => {
  const token = rawHeaders[rawHeaders.findIndex((name) => name.toLowerCase() === 'authorization') + 1]
  const payload = token?.split('.')[1] ?? ''
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as ReturnType<typeof claims>
}

describe('a standalone proxy whose requests name their upstream', () => {
  let stack: Stack
  let named: string
  before(async () => {
    stack = await startStack({
      standalone: (partner) => {
        named = partner
        const hosts = [partner, '*.partner.example:1']
        return { variables: { ALLOWED_HOSTS: hosts.join(','), TOKEN_DURATION: '1h', UPSTREAM_TIMEOUT: '400ms' } }
      },
      environment: {
        RESOLVE_HOSTS: `${PARTNER_HOST}=127.0.0.1,closed.partner.example=127.0.0.1,other.partner.example=127.0.0.1`,
      },
    })
  })
  after(() => stack.close())
  afterEach(() => stack.partner.behave(ANSWER))

  const options = ({ headers, ...rest }: CallOptions): CallOptions => ({
    ...rest,
    headers: { 'X-Upstream-Host': named, ...headers },
  })
  const get = (path: string, rest: CallOptions = {}): ReturnType<typeof call> =>
    call(stack.proxyPort, path, options(rest))
  const report = async (path: string, rest: CallOptions = {}): Promise<Report> => {
    stack.partner.behave(REPORT)
    const answer = await get(path, rest)
    expect(answer.status, answer.body).to.equal(200)
    return JSON.parse(answer.body) as Report
  }

  it('forwards method, path, query and body to the host that the header names, without the header', async () => {
    const seen = await report('/v1/items?limit=10', { method: 'POST', body: 'data' })
    expect(seen).to.include({ method: 'POST', url: '/v1/items?limit=10', body: 'data' })
    expect(names(seen.rawHeaders)).not.to.include('x-upstream-host')
    expect(seen.rawHeaders[names(seen.rawHeaders).indexOf('host') * 2 + 1]).to.equal(named)
  })

  it('derives the audience from scheme and host, without the port', async () => {
    expect(claims((await report('/')).rawHeaders).aud).to.equal(`https://${PARTNER_HOST}`)
  })

  it('shortens a token to what the AWS session can hold', async () => {
    const { iat, exp } = claims((await report('/')).rawHeaders)
    expect(exp - iat).to.be.within(3000, 3599)
  })

  it('replaces the Authorization of the client', async () => {
    const seen = await report('/', { headers: { Authorization: 'Basic dXNlcjpwdw==' } })
    expect(seen.rawHeaders.join()).not.to.contain('dXNlcjpwdw')
    expect(names(seen.rawHeaders).filter((name) => name === 'authorization')).to.have.lengthOf(1)
  })

  it('answers 400 with a hint when no header names an upstream', async () => {
    const answer = await call(stack.proxyPort, '/orders')
    expect(answer.status).to.equal(400)
    expect(errorOf(answer)).to.include({ code: 'bad_request_target' })
    expect(answer.body).to.match(/X-Upstream-Host.*ALLOWED_HOSTS.*UPSTREAM_HOST/)
  })

  it('answers 403 for a host that is not listed, and asks STS for nothing', async () => {
    const calls = stack.emulator.calls().length
    const answer = await get('/', { headers: { 'X-Upstream-Host': 'evil.example' } })
    expect(answer.status).to.equal(403)
    expect(errorOf(answer)).to.include({ code: 'host_denied', host: 'evil.example' })
    expect(stack.emulator.calls()).to.have.lengthOf(calls)
  })

  it('keeps a token failure from the upstream: 502 with a machine code', async () => {
    const seen = stack.partner.verified() + stack.partner.unverified()
    stack.emulator.setFederation(false)
    const answer = await get('/', { headers: { 'X-Upstream-Host': 'other.partner.example:1' } })
    stack.emulator.setFederation(true)
    expect(answer.status).to.equal(502)
    expect(answer.headers['x-outbound-jwt-error']).to.equal('token_denied')
    expect(stack.partner.verified() + stack.partner.unverified()).to.equal(seen)
  })

  it('answers 504 when the upstream takes too long', async () => {
    stack.partner.behave((incoming) => incoming.resume())
    const answer = await get('/slow')
    expect(answer.status).to.equal(504)
    expect(errorOf(answer)).to.include({ code: 'upstream_timeout' })
  })

  it('answers 502 when the upstream refuses the connection', async () => {
    const answer = await get('/', { headers: { 'X-Upstream-Host': 'closed.partner.example:1' } })
    expect(answer.status).to.equal(502)
    expect(errorOf(answer)).to.include({ code: 'upstream_connect_failed' })
  })

  it('flushes every event of a stream when it comes', async () => {
    let next = (): void => undefined
    stack.partner.behave((_, outgoing) => {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
      next = () => outgoing.end('data: 2\n\n')
    })
    const outgoing = open(stack.proxyPort, '/events', options({}))
    outgoing.end()
    const incoming = await response(outgoing)
    const [first] = (await once(incoming, 'data')) as [Buffer]
    expect(first.toString()).to.equal('data: 1\n\n')
    next()
    expect(await text(incoming)).to.equal('data: 2\n\n')
  })

  it('passes a WebSocket upgrade, with a token, and both ways after it', async () => {
    const verified = stack.partner.verified()
    const outgoing = open(
      stack.proxyPort,
      '/chat',
      options({ headers: { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Key': 'x' } }),
    )
    outgoing.end()
    const [incoming, socket] = (await once(outgoing, 'upgrade')) as [IncomingMessage, Socket]
    expect(incoming.statusCode).to.equal(101)
    socket.write('ping')
    const [echo] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    expect(echo.toString()).to.equal('ping')
    expect(stack.partner.verified()).to.equal(verified + 1)
  })

  it('lets no hop-by-hop field through, and no client strip the token', async () => {
    const seen = await report('/', {
      headers: {
        Connection: 'close, X-Private, Authorization',
        'X-Private': '1',
        'Keep-Alive': 'timeout=5',
        'Proxy-Authorization': 'Basic x',
        TE: 'gzip',
        'X-Custom': 'kept',
      },
    })
    const arrived = names(seen.rawHeaders)
    expect(arrived).to.include('authorization').and.include('x-custom')
    for (const name of ['x-private', 'keep-alive', 'proxy-authorization', 'te']) expect(arrived).not.to.include(name)
    expect(arrived).not.to.include('x-forwarded-for')
  })

  it('writes one line per request at info, without its query or a token', async () => {
    const lines = (): LogLine[] =>
      stack
        .proxy()
        .output()
        .split('\n')
        .filter((line) => line.includes('/logged'))
        .map((line) => JSON.parse(line) as LogLine)
    await get('/logged/1?secret=1')
    await until('the line', () => lines().length > 0)
    const [line, ...more] = lines()
    expect(more).to.deep.equal([])
    expect(Object.keys(line ?? {}).slice(0, 3)).to.deep.equal(['time', 'level', 'msg'])
    expect(line).to.include({ level: 'info', msg: 'request', method: 'GET', path: '/logged/1', status: 200 })
    expect(line).to.include({ host: PARTNER_HOST, route: named, error: '' })
    expect(line?.['ms']).to.be.greaterThan(0)
    expect(stack.proxy().output()).not.to.match(/secret=1|eyJ/)
  })

  it('keeps metrics by the names of OpenTelemetry', async () => {
    await get('/')
    const labels = `{route="${named}",http_request_method="GET",http_response_status_code="200",error_type=""}`
    expect(await stack.metric(`http_server_request_duration_seconds_count${labels}`)).to.be.greaterThan(0)
    expect(await stack.metric(`http_client_request_duration_seconds_count${labels}`)).to.be.greaterThan(0)
    expect(await stack.metric('outbound_jwt_token_lookups_total{result="hit"}')).to.be.greaterThan(0)
    expect(await stack.metric('outbound_jwt_token_fetches_total{result="ok"}')).to.be.greaterThan(0)
  })

  it('serves a client that speaks through a proxy by the same rules', async () => {
    stack.partner.behave(REPORT)
    const through = await call(stack.proxyPort, `http://${named}/absolute`)
    expect((JSON.parse(through.body) as Report).url).to.equal('/absolute')
    expect(await call(stack.proxyPort, 'http://evil.example/')).to.include({ status: 403 })
  })

  it('finishes what is in flight on SIGTERM, then ends with 0', async () => {
    let finish = (): void => undefined
    stack.partner.behave((_, outgoing) => {
      finish = () => outgoing.end('whole')
    })
    const outgoing = open(stack.proxyPort, '/last', options({}))
    outgoing.end()
    const incoming = response(outgoing)
    const verified = stack.partner.verified()
    await until('the request at the partner', () => stack.partner.verified() > verified)
    stack.proxy().signal('SIGTERM')
    await stack.proxy().logged('draining')
    finish()
    expect(await text(await incoming)).to.equal('whole')
    expect(await stack.proxy().exited).to.deep.equal({ status: 0, signal: null })
    expect(stack.partner.unverified()).to.equal(0)
  })
})

describe('a standalone proxy with a pinned upstream', () => {
  let stack: Stack
  let pinned: string
  before(async () => {
    stack = await startStack({
      standalone: (partner) => {
        pinned = partner
        return {
          variables: { UPSTREAM_HOST: 'overridden.example', TOKEN_AUDIENCE: 'overridden' },
          flags: [
            `--upstream-host=${partner}`,
            '--token-audience',
            `https://${PARTNER_HOST}`,
            '--token-audience=urn:second',
            '--token-signing-algorithm=es384',
            '--log-level=INFO',
          ],
        }
      },
    })
  })
  after(() => stack.close())
  afterEach(() => stack.partner.behave(ANSWER))

  it('calls that one whatever the request names, with the audiences of the flags', async () => {
    stack.partner.behave(REPORT)
    const answer = await call(stack.proxyPort, '/v1', { headers: { 'X-Upstream-Host': 'evil.example' } })
    const seen = JSON.parse(answer.body) as Report
    expect(seen.rawHeaders[names(seen.rawHeaders).indexOf('host') * 2 + 1]).to.equal(pinned)
    expect(claims(seen.rawHeaders).aud).to.deep.equal([`https://${PARTNER_HOST}`, 'urn:second'])
  })

  it('leaves a Location of the upstream alone', async () => {
    const location = `https://${pinned}/elsewhere`
    stack.partner.behave((_, outgoing) => outgoing.writeHead(302, { location }).end())
    expect((await call(stack.proxyPort, '/')).headers.location).to.equal(location)
  })

  it('takes a path for a path, however it looks', async () => {
    stack.partner.behave(REPORT)
    for (const path of ['//evil.example/x', '/http://evil.example', '//', '/?a=//b'])
      expect((JSON.parse((await call(stack.proxyPort, path)).body) as Report).url).to.equal(path)
  })

  it('writes no line per request when the level is above info', async () => {
    await fetch(`http://127.0.0.1:${stack.controlPort}/log-level`, { method: 'PUT', body: 'warn' })
    await call(stack.proxyPort, '/silent')
    expect(stack.proxy().output()).not.to.contain('/silent')
  })

  it('has its metrics and probes on METRICS_LISTEN_ADDR', async () => {
    const admin = String((await stack.proxy().logged('listening'))['admin'])
    expect((await fetch(`http://${admin}/readyz`)).status).to.equal(200)
    expect(await (await fetch(`http://${admin}/metrics`)).text()).to.contain('http_server_request_duration_seconds')
  })
})
