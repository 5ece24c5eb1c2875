import { execFileSync } from 'node:child_process'
import { chownSync, cpSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { peerFolder, reasonAgainst } from '../installed.ts'
import { startPinned } from '../proxy/pinned.ts'
import type { Pinned } from '../proxy/pinned.ts'
import { BEARER } from '../proxy/target.ts'
import { PARTNER_HOST, TARGET_CORE } from '../proxy/world.ts'
import type { InterceptionWorld } from './world.ts'

/** Debian has two squids, and only one of them at a time: this one is unpacked, not installed. */
const PACKAGES = ['squid-openssl', 'squid-common', 'squid-langpack']
const unpacked = (): string => join(peerFolder('squid'), 'root')
const program = (): string => join(unpacked(), 'usr/sbin/squid')

/** Why it is not measured; undefined when it can be. */
export function missingSquid(): string | undefined {
  return reasonAgainst(
    () => {
      const cwd = peerFolder('squid')
      if (!existsSync(program())) {
        execFileSync('apt-get', ['download', ...PACKAGES], { cwd, stdio: 'pipe' })
        for (const file of readdirSync(cwd).filter((name) => name.endsWith('.deb')))
          execFileSync('dpkg', ['-x', file, unpacked()], { cwd, stdio: 'pipe' })
      }
      execFileSync(program(), ['-v'], { stdio: 'ignore' })
    },
    `it needs Debian's ${PACKAGES.join(', ')}, and the libraries of squid`,
  )
}

/** Starts it without a cache and without a log, and under a name of its own, after which its shared memory is called. `bump all` at the first step, because with `stare` it loses its pool. */
export function startSquid(world: InterceptionWorld, port: number): Promise<Pinned> {
  const directory = join(world.directory, `squid-${port}`)
  mkdirSync(directory)
  const hosts = join(directory, 'hosts')
  writeFileSync(hosts, `${world.address} ${PARTNER_HOST}\n`)
  // It reads them as another user, who may not look into the cache.
  for (const part of ['lib/squid/security_file_certgen', 'share/squid/mime.conf', 'share/squid-langpack/templates'])
    cpSync(join(unpacked(), 'usr', part), join(directory, basename(part)), { recursive: true })
  const [signer, certificates] = [join(directory, 'security_file_certgen'), join(directory, 'certificates')]
  execFileSync(signer, ['-c', '-s', certificates, '-M', '4MB'], { stdio: 'pipe' })
  const file = join(directory, 'squid.conf')
  const { certFile, keyFile } = world.authority
  const bump = `ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=4MB tls-cert=${certFile} tls-key=${keyFile}`
  writeFileSync(
    file,
    `http_port 127.0.0.1:${port} ${bump}
sslcrtd_program ${signer} -s ${certificates} -M 4MB
sslcrtd_children 1
ssl_bump bump all
tls_outgoing_options cafile=${world.caFile}
http_access allow all
request_header_access Authorization deny all
request_header_add Authorization "${BEARER}" all
cache deny all
cache_mem 8 MB
access_log none
cache_log /dev/null
pid_filename none
coredump_dir ${directory}
hosts_file ${hosts}
dns_nameservers 127.0.0.1
mime_table ${join(directory, 'mime.conf')}
icon_directory ${directory}
error_directory ${join(directory, 'templates')}
visible_hostname bench
cache_effective_user ${USER}
pinger_enable off
forwarded_for delete
via off
workers 1
shutdown_lifetime 0 seconds
`,
  )
  giveAway(directory)
  return startPinned({ core: TARGET_CORE, program: program(), args: ['-N', '-n', `bench${port}`, '-f', file], port })
}

/** Whom squid becomes; it refuses to stay root. */
const USER = 'nobody'

function giveAway(directory: string): void {
  const id = (flag: string): number => Number(execFileSync('id', [flag, USER], { encoding: 'utf8' }))
  const [user, group] = [id('-u'), id('-g')]
  const give = (path: string): void => {
    chownSync(path, user, group)
    if (statSync(path).isDirectory()) for (const name of readdirSync(path)) give(join(path, name))
  }
  give(directory)
}
