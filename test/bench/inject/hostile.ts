// Pods that are made to cost: nobody's, and as large as an API server passes on.

const annotations = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  'outbound-jwt.io/inject': 'true',
  'outbound-jwt.io/hosts': 'api.partner.example',
  ...more,
})

const pod = (texts: Readonly<Record<string, string>>, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'orders', annotations: texts },
  spec,
})

const container = (name: string, more: object = {}): object => ({ name, image: 'registry.example/orders:1', ...more })
const one = { containers: [container('orders')] }

const repeat = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

/** Names of about 60 KiB of routes. */
const hosts = repeat(1500, (index) => `host-${index}.partner.example`)
const manyRoutes = repeat(15, (index) => `- hosts: [${hosts.slice(index * 100, index * 100 + 100).join(', ')}]`).join(
  '\n',
)

/** 1.4 MB of one annotation. */
const fill = (text: string): string => text.repeat(Math.floor(1_400_000 / text.length))
/** As much of NO_PROXY as is looked at. */
const direct = (text: string): string => text.repeat(Math.floor((256 * 1024 - 2) / text.length))

const withNoProxy = (value: string): object =>
  pod(annotations({ 'outbound-jwt.io/env-policy': 'override' }), {
    containers: [container('orders', { env: [{ name: 'NO_PROXY', value }] })],
  })

/** A proxy in each container, as `env-policy: chain` reads it. */
const withChain = (count: number, direct: (index: number) => string): object =>
  pod(annotations({ 'outbound-jwt.io/env-policy': 'chain' }), {
    containers: repeat(count, (index) =>
      container(`main-${index}`, {
        env: [
          { name: 'HTTP_PROXY', value: 'http://squid.corp.example:3128' },
          { name: 'NO_PROXY', value: direct(index) },
        ],
      }),
    ),
  })

const withRoutes = (routes: string): object =>
  pod({ 'outbound-jwt.io/inject': 'true', 'outbound-jwt.io/routes': routes }, one)

/** Name → pod. The bar of each is 50 ms. */
export const HOSTILE_PODS: Readonly<Record<string, object>> = {
  '200 containers of 50 variables': pod(annotations(), {
    initContainers: repeat(100, (index) => container(`init-${index}`, { env: variables(50) })),
    containers: repeat(100, (index) => container(`main-${index}`, { env: variables(50) })),
  }),
  '1.5 MB of foreign annotations': pod(
    {
      ...Object.fromEntries(repeat(15_000, (index) => [`example.com/key-${index}`, 'x'.repeat(80)])),
      ...annotations(),
    },
    one,
  ),
  '1.5 MB in one foreign annotation': pod({ 'example.com/blob': 'x'.repeat(1_500_000), ...annotations() }, one),
  '15,000 unknown annotations of ours': pod(
    {
      ...Object.fromEntries(repeat(15_000, (index) => [`outbound-jwt.io/key-${index}`, 'x'.repeat(60)])),
      ...annotations(),
    },
    one,
  ),
  '1,500 partners, 200 containers with 200 direct hosts each': pod(
    { 'outbound-jwt.io/inject': 'true', 'outbound-jwt.io/routes': manyRoutes },
    {
      containers: repeat(200, (index) =>
        container(`main-${index}`, {
          env: [{ name: 'NO_PROXY', value: repeat(200, (n) => `h${n}.other.example`).join(',') }],
        }),
      ),
    },
  ),
  'NO_PROXY of spaces': withNoProxy(`a${direct(' ')}b`),
  'NO_PROXY of entries': withNoProxy(repeat(13_000, (index) => `h${index}.corp.example`).join(',')),
  'NO_PROXY of open references': withNoProxy(direct('$(')),
  'NO_PROXY of references': withNoProxy(direct('$(A),')),
  'NO_PROXY of too many entries': withNoProxy(fill('a,')),
  'NO_PROXY of dots': withNoProxy(direct('a.')),
  'chained: one NO_PROXY of entries': withChain(1, () => repeat(1500, (index) => `h${index}.corp.example`).join(',')),
  'chained: 200 containers, each with a NO_PROXY of its own': withChain(200, (index) =>
    repeat(8, (entry) => `h${entry}.${index}.corp.example`).join(','),
  ),
  'chained: NO_PROXY of too many entries': withChain(1, () =>
    repeat(13_000, (index) => `h${index}.corp.example`).join(','),
  ),
  '20,000 variables': pod(annotations(), { containers: [container('orders', { env: variables(20_000) })] }),
  'audience of commas': pod(annotations({ 'outbound-jwt.io/audience': fill(',') }), one),
  'tags without an end': pod(
    annotations({ 'outbound-jwt.io/tags': repeat(100_000, (index) => `k${index}=v`).join(',') }),
    one,
  ),
  'a host without an end': pod(annotations({ 'outbound-jwt.io/hosts': fill('a-') }), one),
  'no-proxy without an end': pod(annotations({ 'outbound-jwt.io/no-proxy': fill('$(A)') }), one),
  'YAML: deep flow': withRoutes('['.repeat(60_000)),
  'YAML: deep block': withRoutes('- '.repeat(30_000)),
  'YAML: many keys': withRoutes(`{${repeat(3900, (index) => `k${index}: 1`).join(', ')}}`),
  'YAML: many entries': withRoutes(repeat(20_000, () => '- a').join('\n')),
  'YAML: many routes': withRoutes(repeat(3200, (index) => `- hosts: [h${index}.b]`).join('\n')),
  'YAML: a flow list without an end': withRoutes(`[${'a, '.repeat(20_000)}`),
  'YAML: quotes': withRoutes('"'.repeat(60_000)),
  'YAML: a block scalar': withRoutes(`- |\n${' a\n'.repeat(20_000)}`),
  'YAML: comments': withRoutes(`${'#\n'.repeat(30_000)}- a`),
  'YAML: anchors': withRoutes(repeat(6000, (index) => `- &a${index} x`).join('\n')),
}

function variables(count: number): object[] {
  return repeat(count, (index) => ({ name: `VARIABLE_${index}`, value: 'x'.repeat(20) }))
}
