import { debian, go, java, javaGrpc, npm, python, rust, unavailable } from './tools.ts'
import type { Tool } from './tools.ts'

/** By major version. */
export const NODES = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' } as const
const NPM = {
  ...Object.fromEntries(Object.entries(NODES).map(([major, version]) => [`node${major}`, nodePackage(version)])),
  '@aws-sdk/client-sts': '3.1174.0',
  '@grpc/grpc-js': '1.14.7',
  axios: '1.21.1',
  got: '16.1.0',
  undici6: 'npm:undici@6',
  undici7: 'npm:undici@7',
  undici8: 'npm:undici@8.13.1',
}
const PYTHON = [
  'aiohttp==3.14.5',
  'boto3==1.44.8',
  'grpcio==1.85.3',
  'httpx[http2]==0.28.1',
  'requests==2.34.2',
  'urllib3==2.8.0',
]
const GO = [
  'github.com/aws/aws-sdk-go-v2@latest',
  'github.com/aws/aws-sdk-go-v2/credentials@latest',
  'github.com/aws/aws-sdk-go-v2/service/sts@latest',
  'github.com/aws/smithy-go@latest',
  'google.golang.org/grpc@v1.84.0',
  'google.golang.org/protobuf@v1.36.12',
]

/** What the clients need, in the order it is installed. */
export const TOOLS = {
  curl: debian('curl', ['curl']),
  wget: debian('wget', ['wget']),
  python: python(PYTHON),
  npm: npm(NPM),
  go: go(GO),
  java,
  javaGrpc,
  ruby: debian('ruby', ['ruby']),
  perl: debian('lwp-request', ['libwww-perl', 'liblwp-protocol-https-perl']),
  php: debian('php', ['php-cli', 'php-curl']),
  rust,
  dotnet: unavailable('dotnet'),
} as const satisfies Record<string, Tool>

/** The pinned Node of this machine's architecture. */
function nodePackage(version: string): string {
  return `npm:node-linux-${process.arch}@${version}`
}
