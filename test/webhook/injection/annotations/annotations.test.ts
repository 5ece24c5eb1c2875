import { expect } from 'chai'
import { describe, it } from 'mocha'
import { quote } from '../../../../proxy/src/contract.ts'
import type { Annotation, AnnotationName } from '../../../../webhook/src/injection/annotations/annotations.ts'
import { ANNOTATIONS } from '../../../../webhook/src/injection/annotations/annotations.ts'
import { parseAnnotations } from '../../../../webhook/src/injection/annotations/raw-annotations.ts'
import { collect } from '../../../support/injection/problems.ts'

const HOST =
  'expected a DNS name (IDN as xn--) or *.suffix with at least two labels after *., with an optional :port; no IP address, no localhost'
const DURATION = 'expected a duration from 60s to 3600s, such as 15m, 900s or 900'
const CPU = 'expected CPU in cores or thousandths, such as 0.5 or 10m'
const MEMORY = 'expected memory in bytes, such as 128Mi'
const PORT = 'expected a whole number from 1024 to 65535'
const ARN = 'expected the ARN of an IAM role, such as arn:aws:iam::123456789012:role/orders'
const TAGS = 'expected key=value pairs with commas between, each key once'
const TAG =
  'expected a quoted string of at most 256 letters, digits, spaces or _.:/=+-@ under a key of 1 to 128 of them that is used once in any case'
const DIRECT =
  'expected a host, a .suffix, an IP address (IPv6 without brackets), a CIDR, 10.* for Java, or $(VARIABLE)'
const EGRESS_PROXY =
  'expected http://host:port or https://host:port of a forward proxy, without a path, a user or a password: these are read from a Secret; never the secret itself'
const EGRESS_SECRET =
  'expected the name of a Secret and a key of it, such as corporate-proxy/credentials; never the secret itself'
const EXTRA_CA = 'expected the name of a ConfigMap and a key of it, such as corporate-ca/ca.crt'
const long = (length: number): string => 'x'.repeat(length)
const shown = (text: string): string => `"${text.slice(0, 80)}..."`
/** Annotation → values that are refused, each with its message after `outbound-jwt.io/<name>`. */
const REFUSED: Readonly<Record<AnnotationName, Readonly<Record<string, string>>>> = {
  inject: {
    '': ': got "", expected true or enabled or false or disabled',
    True: ': got "True", expected true or enabled or false or disabled',
    yes: ': got "yes", expected true or enabled or false or disabled',
    ' true': ': got " true", expected true or enabled or false or disabled',
  },
  hosts: {
    '': `[0]: got "", ${HOST}`,
    'a.example,': `[1]: got "", ${HOST}`,
    '10.0.0.1': `[0]: got "10.0.0.1", ${HOST}`,
    '0x7f.1': `[0]: got "0x7f.1", ${HOST}`,
    '[::1]': `[0]: got "[::1]", ${HOST}`,
    localhost: `[0]: got "localhost", ${HOST}`,
    'https://a.example': `[0]: got "https://a.example", ${HOST}; did you mean a.example?`,
    'a.example/path': `[0]: got "a.example/path", ${HOST}`,
    '*': `[0]: got "*", ${HOST}`,
    '*.example': `[0]: got "*.example", ${HOST}`,
    'a.*.example': `[0]: got "a.*.example", ${HOST}`,
    'a.example:0': `[0]: got "a.example:0", ${HOST}`,
    'a.example:65536': `[0]: got "a.example:65536", ${HOST}`,
    'a b.example': `[0]: got "a b.example", ${HOST}; separate hosts by commas, without brackets`,
    'bücher.example': `[0]: got "b\\u00fccher.example", ${HOST}`,
    [`${long(64)}.example`]: `[0]: got "${long(64)}.example", ${HOST}`,
    [`${'a.example,'.repeat(100)}a.example`]: `: got ${quote(JSON.stringify(Array.from({ length: 101 }, () => 'a.example')))}, expected a list of 1 to 100 strings`,
  },
  audience: {
    '': '[0]: got "", expected an audience of 1 to 1000 characters, none of them a control character',
    'a,,b': '[1]: got "", expected an audience of 1 to 1000 characters, none of them a control character',
    [long(1001)]:
      `[0]: got ${shown(long(1001))}, expected an audience of 1 to 1000 characters, none of them a control character`,
    'a,b,c,d,e,f,g,h,i,j,k':
      ': got "[\\"a\\",\\"b\\",\\"c\\",\\"d\\",\\"e\\",\\"f\\",\\"g\\",\\"h\\",\\"i\\",\\"j\\",\\"k\\"]", expected a list of 1 to 10 strings',
  },
  duration: {
    '': `: got "", ${DURATION}`,
    '59': `: got "59", ${DURATION}`,
    '61m': `: got "61m", ${DURATION}`,
    '2h': `: got "2h", ${DURATION}`,
    '1d': `: got "1d", ${DURATION}`,
    '1.5m': `: got "1.5m", ${DURATION}`,
    '-900': `: got "-900", ${DURATION}`,
    PT15M: `: got "PT15M", ${DURATION}`,
  },
  'signing-algorithm': {
    '': ': got "", expected RS256 or ES384',
    rs256: ': got "rs256", expected RS256 or ES384',
    none: ': got "none", expected RS256 or ES384',
  },
  tags: {
    '': `: got "", ${TAGS}`,
    key: `: got "key", ${TAGS}`,
    '=value': `: got "=value", ${TAGS}`,
    'a=1,': `: got "", ${TAGS}`,
    'a=1,a=2': `: got "a=2", ${TAGS}`,
    'a=1,A=2': `.A: got "2", ${TAG}`,
    'a=<b>': `.a: got "<b>", ${TAG}`,
    [`a=${long(257)}`]: `.a: got ${shown(long(257))}, ${TAG}`,
    [`${long(129)}=1`]: `.${long(129)}: got "1", ${TAG}`,
    [Array.from({ length: 51 }, (_, i) => `k${i}=`).join(',')]:
      `: got ${quote(JSON.stringify(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, '']))))}, expected at most 50 tags, each key: value`,
  },
  https: {
    '': ': got "", expected refuse or tunnel or intercept',
    Tunnel: ': got "Tunnel", expected refuse or tunnel or intercept',
    allow: ': got "allow", expected refuse or tunnel or intercept',
  },
  routes: {
    '': ': got "", expected a YAML list of routes, such as "- hosts: [api.partner.example]"',
    '[]': ': got "[]", expected a YAML list of routes, such as "- hosts: [api.partner.example]"',
    'hosts: [a.example]':
      ': got "hosts: [a.example]", expected a YAML list of routes, such as "- hosts: [api.partner.example]"',
    '- hosts: [': `: got "- hosts: [", expected valid YAML (line 1: Flow sequence in block collection must be sufficiently indented and end with a ])`,
    '- &a x': ': got "- &a x", expected YAML without anchors',
  },
  'role-arn': {
    '': `: got "", ${ARN}`,
    orders: `: got "orders", ${ARN}`,
    'arn:aws:iam::123456789012:user/orders': `: got "arn:aws:iam::123456789012:user/orders", ${ARN}`,
    'arn:aws:iam::1234:role/orders': `: got "arn:aws:iam::1234:role/orders", ${ARN}`,
    'arn:aws:iam::123456789012:role/$(X)': `: got "arn:aws:iam::123456789012:role/$(X)", ${ARN}`,
  },
  region: {
    '': ': got "", expected an AWS region, such as eu-central-1',
    'EU-central-1': ': got "EU-central-1", expected an AWS region, such as eu-central-1',
    'aws-global': ': got "aws-global", expected an AWS region, such as eu-central-1',
    'eu-central-1a': ': got "eu-central-1a", expected an AWS region, such as eu-central-1',
  },
  containers: {
    '': '[0]: got "", expected the name of a container',
    'a,': '[1]: got "", expected the name of a container',
    Orders: '[0]: got "Orders", expected the name of a container',
    [long(64)]: `[0]: got "${long(64)}", expected the name of a container`,
  },
  'skip-containers': {
    'a;b': '[0]: got "a;b", expected the name of a container',
    '-a': '[0]: got "-a", expected the name of a container',
  },
  unmatched: {
    '': ': got "", expected passthrough or deny',
    Deny: ': got "Deny", expected passthrough or deny',
    allow: ': got "allow", expected passthrough or deny',
  },
  'no-proxy': {
    '': `[0]: got "", ${DIRECT}`,
    'a.example,': `[1]: got "", ${DIRECT}`,
    'a.example b.example': `[0]: got "a.example b.example", ${DIRECT}`,
    'http://a.example?x': `[0]: got "http://a.example?x", ${DIRECT}`,
    '$(A': `[0]: got "$(A", ${DIRECT}`,
    'api.*': `[0]: got "api.*", ${DIRECT}`,
    '*partner.example': `[0]: got "*partner.example", ${DIRECT}`,
    'a*e': `[0]: got "a*e", ${DIRECT}`,
    '::1,[::1]': `[1]: got "[::1]", ${DIRECT}`,
    '[fd00::1]:8080': `[0]: got "[fd00::1]:8080", ${DIRECT}`,
    $HOME: `[0]: got "$HOME", ${DIRECT}`,
    [long(254)]: `[0]: got ${shown(long(254))}, ${DIRECT}`,
  },
  'egress-proxy': {
    '': `: got "a value", ${EGRESS_PROXY}`,
    'squid:3128': `: got "a value", ${EGRESS_PROXY}`,
    'http://user:hunter2@squid:3128': `: got "a value", ${EGRESS_PROXY}`,
  },
  'egress-proxy-secret': {
    'user:hunter2': `: got "a value", ${EGRESS_SECRET}`,
    'corporate-proxy': `: got "a value", ${EGRESS_SECRET}`,
  },
  'extra-ca': {
    '': `: got "", ${EXTRA_CA}`,
    'corporate-ca': `: got "corporate-ca", ${EXTRA_CA}`,
    '/ca.crt': `: got "/ca.crt", ${EXTRA_CA}`,
    'corporate-ca/': `: got "corporate-ca/", ${EXTRA_CA}`,
    'Corporate/ca.crt': `: got "Corporate/ca.crt", ${EXTRA_CA}`,
    'a/b/ca.crt': `: got "a/b/ca.crt", ${EXTRA_CA}`,
    'a/..data': `: got "a/..data", ${EXTRA_CA}`,
  },
  'env-policy': {
    '': ': got "", expected refuse or keep or override or chain',
    overwrite: ': got "overwrite", expected refuse or keep or override or chain',
  },
  runtimes: {
    '': '[0]: got "", expected node or java',
    Java: '[0]: got "Java", expected node or java',
    'node,python': '[1]: got "python", expected node or java',
    'node,java,node': ': got "[\\"node\\",\\"java\\",\\"node\\"]", expected a list of 1 to 2 strings',
  },
  'proxy-port': {
    '': `: got "", ${PORT}`,
    '80': `: got "80", ${PORT}`,
    '65536': `: got "65536", ${PORT}`,
    '15400.0': `: got "15400.0", ${PORT}`,
    '0x3c28': `: got "0x3c28", ${PORT}`,
  },
  'admin-port': { '1023': `: got "1023", ${PORT}`, http: `: got "http", ${PORT}` },
  'log-level': {
    '': ': got "", expected error or warn or info or debug',
    DEBUG: ': got "DEBUG", expected error or warn or info or debug',
    trace: ': got "trace", expected error or warn or info or debug',
  },
  'cpu-request': {
    '': `: got "", ${CPU}`,
    '0': `: got "0", ${CPU}`,
    '0m': `: got "0m", ${CPU}`,
    '-1': `: got "-1", ${CPU}`,
    '10M': `: got "10M", ${CPU}`,
    '0.0001': `: got "0.0001", ${CPU}`,
    '1e3': `: got "1e3", ${CPU}`,
  },
  'cpu-limit': { lots: `: got "lots", ${CPU}` },
  'memory-request': {
    '': `: got "", ${MEMORY}`,
    '0': `: got "0", ${MEMORY}`,
    '128MB': `: got "128MB", ${MEMORY}`,
    '128mi': `: got "128mi", ${MEMORY}`,
    '1.5Gi': `: got "1.5Gi", ${MEMORY}`,
    '128m': `: got "128m", ${MEMORY}`,
  },
  'token-files': { '- {audience: [a]}': '[0].name: is missing, expected the name of the file' },
  steering: { iptables: ': got "iptables", expected proxy or hosts' },
  'memory-limit': { '128 Mi': `: got "128 Mi", ${MEMORY}` },
}

/** Annotation → texts that are taken, and what they mean. */
const TAKEN: Readonly<Record<AnnotationName, Readonly<Record<string, unknown>>>> = {
  inject: { true: 'true', enabled: 'enabled', false: 'false', disabled: 'disabled' },
  hosts: {
    'A.example., *.b.example:8443 ,c.example:443': ['a.example', '*.b.example:8443', 'c.example'],
    single: ['single'],
  },
  audience: { 'https://a.example/x?y=1, urn:b': ['https://a.example/x?y=1', 'urn:b'], [long(1000)]: [long(1000)] },
  duration: { '60': 60, '900s': 900, '15m': 900, '1h': 3600 },
  'signing-algorithm': { RS256: 'RS256', ES384: 'ES384' },
  https: { refuse: 'refuse', tunnel: 'tunnel', intercept: 'intercept' },
  tags: {
    'a=1, b = c=d ,__proto__=x,e=': Object.fromEntries([
      ['a', '1'],
      ['b', 'c=d'],
      ['__proto__', 'x'],
      ['e', ''],
    ]),
  },
  routes: {},
  'token-files': {},
  steering: { proxy: 'proxy', hosts: 'hosts' },
  'role-arn': { 'arn:aws-cn:iam::123456789012:role/a/b+=,.@-c': 'arn:aws-cn:iam::123456789012:role/a/b+=,.@-c' },
  region: { 'eu-central-1': 'eu-central-1', 'us-gov-west-1': 'us-gov-west-1', 'ap-southeast-12': 'ap-southeast-12' },
  containers: { 'a, b-2': ['a', 'b-2'] },
  'skip-containers': { a: ['a'] },
  unmatched: { passthrough: 'passthrough', deny: 'deny' },
  'no-proxy': {
    '.corp.example,10.0.0.0/8,::1,2001:db8::/32,$(A_b.c-d),*.x.example:80': [
      '.corp.example',
      '10.0.0.0/8',
      '::1',
      '2001:db8::/32',
      '$(A_b.c-d)',
      '*.x.example:80',
    ],
    '*,10.*,192.168.*': ['*', '10.*', '192.168.*'],
  },
  'egress-proxy': {
    'http://Squid.corp.example:3128/': { scheme: 'http', host: 'squid.corp.example', port: 3128 },
  },
  'egress-proxy-secret': {
    'corporate-proxy/auth': {
      purpose: 'egress',
      source: { secret: { secretName: 'corporate-proxy', items: [{ key: 'auth', path: 'credentials' }] } },
    },
  },
  'extra-ca': {
    'corporate-ca/root.pem': {
      purpose: 'extra-ca',
      source: { configMap: { name: 'corporate-ca', items: [{ key: 'root.pem', path: 'ca.crt' }] } },
    },
  },
  'env-policy': { refuse: 'refuse', keep: 'keep', override: 'override', chain: 'chain' },
  runtimes: { 'java, node': ['java', 'node'] },
  'proxy-port': { '1024': 1024, '65535': 65535 },
  'admin-port': { '15401': 15401 },
  'log-level': { error: 'error', debug: 'debug' },
  'cpu-request': { '1': '1', '0.5': '0.5', '250m': '250m' },
  'cpu-limit': { '2': '2' },
  'memory-request': { '1': '1', '64Mi': '64Mi', '1G': '1G', '512k': '512k' },
  'memory-limit': { '1Gi': '1Gi' },
}

const parse = (name: string, text: unknown): ReturnType<typeof collect<unknown>> =>
  collect((report) => parseAnnotations(new Map([[name, text]]), report)[name as AnnotationName])

describe('annotations', () => {
  for (const name of Object.keys(ANNOTATIONS) as AnnotationName[]) {
    it(`${name}: takes what it should`, () => {
      for (const [text, value] of Object.entries(TAKEN[name]))
        expect(parse(name, text), text).to.deep.equal({ value, complaints: [] })
    })

    it(`${name}: says what is wrong with anything else`, () => {
      expect(REFUSED[name]).not.to.be.empty
      for (const [text, message] of Object.entries(REFUSED[name]))
        expect(parse(name, text), text).to.deep.equal({
          value: (ANNOTATIONS[name] as Annotation<unknown>).default,
          complaints: [`outbound-jwt.io/${name}${message}`],
        })
    })
  }
})
