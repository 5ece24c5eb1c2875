import { readFile } from 'node:fs/promises'

/**
 * Connections of a port that no process has any more, and whose last bytes the kernel still keeps for their peers: FIN_WAIT1 or LAST_ACK, and
 * no inode. Source: proc_net_tcp.rst of the kernel.
 */
export async function orphans(port: number): Promise<number> {
  const local = port.toString(16).toUpperCase().padStart(4, '0')
  const row = new RegExp(`^ *\\d+: [0-9A-F]+:${local} \\S+ (?:04|09) (?:\\S+ +){5}0 `, 'gm')
  return [...(await readFile('/proc/net/tcp', 'latin1')).matchAll(row)].length
}
