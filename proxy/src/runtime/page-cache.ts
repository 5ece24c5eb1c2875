/** Reads a file. @throws when there is none. */
type ReadText = (path: string) => string

/** Where control groups are mounted, of each version; in a container its own group is the root of what it sees. */
const MOUNTS = ['/sys/fs/cgroup', '/sys/fs/cgroup/memory']
/** Of version 2, and of version 1: `0::/path`, `4:memory:/path`. */
const GROUP = /^(?:0:|\d+:memory):(\/.*)$/gm
const FILE_PAGES = /^(?:in)?active_file (\d+)$/gm

/**
 * @returns bytes of files that the kernel keeps for the control group of this process, and gives up before it ends a process for memory; Node
 * counts them as used. 0 where that is not known. Source: cgroup-v2.rst of the kernel, memory.stat.
 */
export function pageCacheBytes(read: ReadText): number {
  const groups = [...(attempt(read, '/proc/self/cgroup') ?? '').matchAll(GROUP)].map(([, path = '']) => path)
  for (const group of [...groups, '/'])
    for (const mount of MOUNTS) {
      const pages = [...(attempt(read, `${mount}${group.replace(/\/$/, '')}/memory.stat`) ?? '').matchAll(FILE_PAGES)]
      if (pages.length > 0) return pages.reduce((sum, [, bytes]) => sum + Number(bytes), 0)
    }
  return 0
}

function attempt(read: ReadText, path: string): string | undefined {
  try {
    return read(path)
  } catch {
    return undefined
  }
}
