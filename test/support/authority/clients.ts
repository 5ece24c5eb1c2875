import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A TLS server, by the name that a client expects of it. */
export interface Target {
  readonly name: string
  readonly port: number
  /** The leaf first. */
  readonly chain: string
}

/** What trusts the pod's anchor: the files of the trust directory. `work` is for programs. */
export interface Store {
  readonly anchor: string
  readonly bundle: string
  readonly javaBundle: string
  readonly work: string
}

/** Verifies every target. @returns `ok` or the reason against it, in the targets' order. */
export type Verifier = (store: Store, targets: readonly Target[]) => Promise<string[]>

/** Each with the command that must exist on the machine. */
export const VERIFIERS: Readonly<Record<string, { readonly command: string; readonly verify: Verifier }>> = {
  'openssl with ca.crt': { command: 'openssl', verify: openssl },
  'Node with ca.crt': { command: 'node', verify: (store, targets) => node(store.anchor, targets) },
  'Node with bundle.crt': { command: 'node', verify: (store, targets) => node(store.bundle, targets) },
  'Python, strict, with bundle.crt': { command: 'python3', verify: python },
  'Go with bundle.crt': { command: 'go', verify: go },
  'Java with bundle.jks': { command: 'java', verify: java },
}

export async function isInstalled(command: string): Promise<boolean> {
  return run('which', [command]).then(
    () => true,
    () => false,
  )
}

async function openssl(store: Store, targets: readonly Target[]): Promise<string[]> {
  return Promise.all(
    targets.map(async ({ name, chain }, index) => {
      const file = join(store.work, `chain-${index}.pem`)
      writeFileSync(file, chain)
      const option = isIP(name) ? '-verify_ip' : '-verify_hostname'
      const purpose = ['-purpose', 'sslserver', '-x509_strict']
      return run('openssl', [
        'verify',
        ...purpose,
        '-CAfile',
        store.anchor,
        '-untrusted',
        file,
        option,
        name,
        file,
      ]).then(
        () => 'ok',
        (error: unknown) => String((error as { stderr?: string }).stderr),
      )
    }),
  )
}

async function node(ca: string, targets: readonly Target[]): Promise<string[]> {
  const anchors = readFileSync(ca, 'utf8')
  return Promise.all(
    targets.map(
      ({ name, port }) =>
        new Promise<string>((resolve) => {
          const sni = isIP(name) ? {} : { servername: name }
          const socket = connect({ host: '127.0.0.1', port, ca: anchors, ...sni }, () => {
            resolve('ok')
            socket.destroy()
          })
          socket.on('error', (error) => resolve(error.message))
        }),
    ),
  )
}

const PYTHON = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
context.verify_flags |= ssl.VERIFY_X509_STRICT
for name, port in zip(sys.argv[2::2], sys.argv[3::2]):
    try:
        with socket.create_connection(("127.0.0.1", int(port))) as raw, context.wrap_socket(raw, server_hostname=name):
            print("ok")
    except ssl.SSLError as error:
        print(str(error).replace("\\n", " "))
`

const GO = `package main

import ("crypto/tls"; "crypto/x509"; "fmt"; "os")

func main() {
	pem, _ := os.ReadFile(os.Args[1])
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for i := 2; i < len(os.Args); i += 2 {
		connection, err := tls.Dial("tcp", "127.0.0.1:" + os.Args[i+1], &tls.Config{RootCAs: roots, ServerName: os.Args[i]})
		if err != nil { fmt.Println(err); continue }
		connection.Close()
		fmt.Println("ok")
	}
}
`

const JAVA = `import javax.net.ssl.*;
public class Client {
  public static void main(String[] arguments) throws Exception {
    SSLSocketFactory factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
    for (int i = 0; i < arguments.length; i += 2) {
      java.net.Socket raw = new java.net.Socket("127.0.0.1", Integer.parseInt(arguments[i + 1]));
      try (SSLSocket socket = (SSLSocket) factory.createSocket(raw, arguments[i], raw.getPort(), true)) {
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        System.out.println("ok");
      } catch (SSLException error) {
        System.out.println(error.getMessage());
      }
    }
  }
}
`

function python({ bundle }: Store, targets: readonly Target[]): Promise<string[]> {
  return lines('python3', ['-c', PYTHON, bundle, ...namesAndPorts(targets)])
}

function go({ bundle, work }: Store, targets: readonly Target[]): Promise<string[]> {
  const file = join(work, 'client.go')
  writeFileSync(file, GO)
  return lines('go', ['run', file, bundle, ...namesAndPorts(targets)])
}

function java({ javaBundle, work }: Store, targets: readonly Target[]): Promise<string[]> {
  const file = join(work, 'Client.java')
  writeFileSync(file, JAVA)
  const store = [`-Djavax.net.ssl.trustStore=${javaBundle}`, '-Djavax.net.ssl.trustStorePassword=changeit']
  return lines('java', [...store, file, ...namesAndPorts(targets)])
}

function namesAndPorts(targets: readonly Target[]): string[] {
  return targets.flatMap(({ name, port }) => [name, String(port)])
}

async function lines(command: string, parameters: string[]): Promise<string[]> {
  const { stdout } = await run(command, parameters, { env: { ...process.env, GOFLAGS: '-mod=mod', GOPROXY: 'off' } })
  return stdout.trimEnd().split('\n')
}

/** @returns the number of trusted certificates that Java's keytool finds in a store. */
export async function keytoolCount(file: string): Promise<number> {
  const { stdout } = await run('keytool', ['-list', '-keystore', file, '-storepass', 'changeit'])
  return stdout.match(/trustedCertEntry/g)?.length ?? 0
}
