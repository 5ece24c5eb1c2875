import { join } from 'node:path'
import type { Case, Way } from './cases.ts'
import type { TOOLS } from './packages.ts'
import { NODES } from './packages.ts'
import { PROGRAMS, versionOf } from './tools.ts'
import type { Cache } from './tools.ts'

/** A client that people use. */
export interface Client {
  readonly name: string
  readonly tool: keyof typeof TOOLS
  /** The URL is appended. */
  readonly command: (cache: Cache) => readonly string[]
  readonly version: (cache: Cache) => string
  /** How http:// and https:// to a partner leave, by facts gathered before this was built. */
  readonly expected: Readonly<Record<Extract<Case, 'partner' | 'partnerTls'>, Way>>
  /** The one line it needs to get a token, where it needs one. */
  readonly needs?: string
  /** The one line it needs to trust the sidecar, where the variables are not enough. */
  readonly trustNeeds?: string
  /** What else is worth knowing. */
  readonly note?: string
}

const DIRECT = { partner: 'direct', partnerTls: 'direct' } as const
const ABSOLUTE = { partner: 'absolute', partnerTls: 'direct' } as const
/** Takes HTTP_PROXY for https:// as well. */
const ABSOLUTE_AND_CONNECT = { partner: 'absolute', partnerTls: 'connect-refused' } as const
const CONNECT = { partner: 'connect-plain', partnerTls: 'connect-refused' } as const

const pythonClient = (name: string, program: string, more: Omit<Partial<Client>, 'name'> = {}): Client => ({
  name,
  tool: 'python',
  command: ({ directory }) => [join(directory, 'python/bin/python'), join(PROGRAMS, program)],
  version: ({ directory }) => {
    const module = program.replace('_client.py', '').replace('grpcio', 'grpc').replace('httpx2', 'httpx')
    const source =
      module === 'urllib' ? 'import sys; print(sys.version)' : `import ${module}; print(${module}.__version__)`
    return versionOf([join(directory, 'python/bin/python'), '-c', source])
  },
  expected: ABSOLUTE,
  ...more,
})

type NodeMajor = keyof typeof NODES

const nodeClient = (
  name: string,
  major: NodeMajor,
  program: readonly string[],
  more: Pick<Client, 'expected'> & Partial<Client>,
): Client => ({
  name,
  tool: 'npm',
  command: ({ directory }) => {
    const [file = '', ...args] = program
    return [join(directory, `npm/node_modules/node${major}/bin/node`), join(directory, 'npm/programs', file), ...args]
  },
  version: () => NODES[major],
  ...more,
})

const libraryVersion =
  (name: string): Client['version'] =>
  ({ directory }) =>
    versionOf(['node', '-p', `require('${join(directory, 'npm/node_modules', name, 'package.json')}').version`])

const nodes = (
  major: NodeMajor,
  http: Client['expected'],
  fetch: Client['expected'],
  more: Partial<Client> = {},
): Client[] => [
  nodeClient(`Node ${major} http`, major, ['node-http.mjs'], { expected: http, ...more }),
  nodeClient(`Node ${major} fetch`, major, ['node-fetch.mjs'], { expected: fetch, ...more }),
]

const javaClient = (
  name: string,
  main: string,
  note = 'Takes no HTTP_PROXY; the annotation adds `JAVA_TOOL_OPTIONS`.',
): Client => ({
  name,
  tool: 'java',
  command: ({ directory }) => ['java', '-cp', join(directory, 'java'), main],
  version: () => versionOf(['java', '--version']),
  expected: ABSOLUTE,
  needs: 'annotation `outbound-jwt.io/runtimes: node,java`',
  note,
})

const lwp = (mode: string, more: Pick<Client, 'expected'> & Partial<Client>): Client => ({
  name: mode === 'env_proxy' ? 'Perl LWP with env_proxy' : 'Perl LWP',
  tool: 'perl',
  command: () => ['perl', join(PROGRAMS, 'lwp.pl'), mode],
  version: () => versionOf(['perl', '-MLWP', '-e', 'print $LWP::VERSION']),
  ...more,
})

const goClient = (name: string, binary: string, more: Partial<Client> = {}): Client => ({
  name,
  tool: 'go',
  command: ({ directory }) => [join(directory, 'go/bin', binary)],
  version: () => versionOf(['go', 'version'], /\d+\.\d+\.\d+/),
  expected: ABSOLUTE,
  ...more,
})

const GRPC_NOTE =
  'An insecure channel to port 80 of the partner gets the token, and with `https: intercept` a secure one as well ([https](https.md#http2-and-grpc)). Read `http://` and `https://` here as such channels.'

/** They ask for the proxy of https:// URLs, whatever the channel. */
const GRPC_NEEDS = '`https: intercept` or `steering: hosts`'
const GRPC_URLS = 'Read `http://` and `https://` here as insecure and secure channels.'

/** Every client of the matrix, in the order of the page. */
export const CLIENTS: readonly Client[] = [
  {
    name: 'curl',
    tool: 'curl',
    command: () => [
      'curl',
      '--silent',
      '--show-error',
      '--output',
      '/dev/null',
      '--max-time',
      '8',
      '--write-out',
      'status %{http_code}\n',
    ],
    version: () => versionOf(['curl', '--version']),
    expected: ABSOLUTE,
  },
  {
    name: 'wget',
    tool: 'wget',
    command: () => ['wget', '--server-response', '--output-document=/dev/null', '--tries=1', '--timeout=8'],
    version: () => versionOf(['wget', '--version']),
    expected: ABSOLUTE,
    trustNeeds: '`wget --ca-certificate="$SSL_CERT_FILE"`; GnuTLS reads no variable',
  },
  pythonClient('Python urllib', 'urllib_client.py'),
  pythonClient('Python requests', 'requests_client.py'),
  pythonClient('Python httpx', 'httpx_client.py', {
    note: 'Fails every call with `Invalid port` when NO_PROXY holds an IPv6 address in brackets; ours holds none and `outbound-jwt.io/no-proxy` takes none, so let that of your containers hold none either.',
  }),
  pythonClient('Python httpx, HTTP/2', 'httpx2_client.py', {
    note: 'A call of the partner by another version counts as failed here.',
  }),
  pythonClient('Python aiohttp', 'aiohttp_client.py', {
    command: ({ directory }) => [join(directory, 'python/bin/python'), join(PROGRAMS, 'aiohttp_client.py'), 'default'],
    expected: DIRECT,
    needs: '`aiohttp.ClientSession(trust_env=True)`',
  }),
  pythonClient('Python aiohttp, trust_env', 'aiohttp_client.py', {
    command: ({ directory }) => [
      join(directory, 'python/bin/python'),
      join(PROGRAMS, 'aiohttp_client.py'),
      'trust_env',
    ],
  }),
  pythonClient('Python urllib3', 'urllib3_client.py', {
    expected: DIRECT,
    needs: "`urllib3.ProxyManager(os.environ['http_proxy'])`",
  }),
  pythonClient('Python boto3', 'boto3_client.py'),
  pythonClient('Python grpcio (gRPC core)', 'grpcio_client.py', {
    expected: { partner: 'connect-plain', partnerTls: 'connect-refused' },
    note: GRPC_NOTE,
  }),
  goClient('Go net/http', 'nethttp'),
  goClient('Go AWS SDK v2', 'awssdk'),
  goClient('Go gRPC', 'grpc', { version: () => '1.84.0', expected: DIRECT, needs: GRPC_NEEDS, note: GRPC_URLS }),
  javaClient('Java HttpURLConnection', 'UrlConnection'),
  javaClient(
    'Java HttpClient',
    'Client',
    'Takes no HTTP_PROXY; the annotation adds `JAVA_TOOL_OPTIONS`. It speaks HTTP/2 to the partner; another version counts as failed here.',
  ),
  {
    name: 'Java gRPC',
    tool: 'javaGrpc',
    command: ({ directory }) => [
      'java',
      '-cp',
      `${join(directory, 'java-grpc')}:${join(directory, 'java-grpc/lib/*')}`,
      'Grpc',
    ],
    version: () => '1.76.0',
    expected: DIRECT,
    needs: `annotation \`outbound-jwt.io/runtimes: node,java\`, and ${GRPC_NEEDS}`,
    note: GRPC_URLS,
  },
  ...nodes(20, DIRECT, DIRECT, {
    needs: 'Node 22.21 or newer, or a client that reads HTTP_PROXY itself, such as axios',
  }),
  ...nodes(22, ABSOLUTE, CONNECT),
  ...nodes(24, ABSOLUTE, CONNECT),
  ...nodes(26, ABSOLUTE, ABSOLUTE_AND_CONNECT),
  nodeClient('undici 6 EnvHttpProxyAgent', 22, ['undici.mjs', 'undici6'], {
    expected: CONNECT,
    version: libraryVersion('undici6'),
  }),
  nodeClient('undici 7 EnvHttpProxyAgent', 24, ['undici.mjs', 'undici7'], {
    expected: CONNECT,
    version: libraryVersion('undici7'),
  }),
  nodeClient('undici 8 EnvHttpProxyAgent', 26, ['undici.mjs', 'undici8'], {
    expected: ABSOLUTE_AND_CONNECT,
    version: libraryVersion('undici8'),
  }),
  nodeClient('axios', 26, ['axios.mjs'], {
    expected: ABSOLUTE,
    version: libraryVersion('axios'),
    note: 'Reads no networks such as 10.0.0.0/8 in NO_PROXY.',
  }),
  nodeClient('got', 26, ['got.mjs'], { expected: ABSOLUTE, version: libraryVersion('got') }),
  nodeClient('AWS SDK for JavaScript v3', 26, ['aws-sdk.mjs'], {
    expected: DIRECT,
    version: libraryVersion('@aws-sdk/client-sts'),
    note: 'Brings an agent of its own. Good: calls to AWS stay direct.',
  }),
  nodeClient('grpc-js', 26, ['grpc-js.mjs'], {
    expected: CONNECT,
    version: libraryVersion('@grpc/grpc-js'),
    note: GRPC_NOTE,
  }),
  {
    name: 'Ruby Net::HTTP',
    tool: 'ruby',
    command: () => ['ruby', join(PROGRAMS, 'net_http.rb')],
    version: () => versionOf(['ruby', '--version']),
    expected: ABSOLUTE_AND_CONNECT,
    note: 'Resolves names before it looks into NO_PROXY: a name that leads into 10.0.0.0/8 is called directly. It cannot match IPv6 addresses at all.',
  },
  lwp('default', { expected: DIRECT, needs: '`LWP::UserAgent->new(env_proxy => 1)`' }),
  lwp('env_proxy', { expected: ABSOLUTE }),
  {
    name: 'PHP curl',
    tool: 'php',
    command: () => ['php', join(PROGRAMS, 'curl.php')],
    version: () => versionOf(['php', '--version']),
    expected: ABSOLUTE,
    trustNeeds: "`curl_setopt($curl, CURLOPT_CAINFO, getenv('SSL_CERT_FILE'))`, or `curl.cainfo` in php.ini",
  },
  {
    name: 'PHP streams (fopen)',
    tool: 'php',
    command: () => ['php', join(PROGRAMS, 'fopen.php')],
    version: () => versionOf(['php', '--version']),
    expected: DIRECT,
    needs: "`stream_context_create(['http' => ['proxy' => 'tcp://127.0.0.1:15400', 'request_fulluri' => true]])`",
  },
  {
    name: 'Rust reqwest',
    tool: 'rust',
    command: ({ directory }) => [join(directory, 'rust/target/release/reqwest-client')],
    version: () => '0.12',
    expected: ABSOLUTE,
  },
  {
    name: '.NET HttpClient',
    tool: 'dotnet',
    command: () => ['dotnet'],
    version: () => 'unknown',
    expected: ABSOLUTE,
  },
]
