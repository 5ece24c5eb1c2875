import { expect } from 'chai'
import { describe, it } from 'mocha'
import { pageCacheBytes } from '../../../proxy/src/runtime/index.ts'

const STAT_V2 = 'anon 9\nfile 70\nshmem 8\ninactive_anon 4\nactive_anon 5\ninactive_file 40\nactive_file 22\n'
const STAT_V1 = `${STAT_V2}total_inactive_file 400\ntotal_active_file 220\n`

describe('the page cache of a control group', () => {
  const bytes = (files: Readonly<Record<string, string>>): number =>
    pageCacheBytes((path) => {
      const text = files[path]
      if (text === undefined) throw new Error(`no ${path}`)
      return text
    })

  for (const [where, files] of Object.entries({
    'of version 2, in a container': { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.stat': STAT_V2 },
    'of version 2, on a node': {
      '/proc/self/cgroup': '0::/system.slice/proxy.service\n',
      '/sys/fs/cgroup/system.slice/proxy.service/memory.stat': STAT_V2,
      '/sys/fs/cgroup/memory.stat': 'active_file 9999\n',
    },
    'of version 1, in a container, which does not see its path': {
      '/proc/self/cgroup': '9:name=systemd:/\n4:memory:/kubepods/pod1\n3:cpuset:/\n0::/\n',
      '/sys/fs/cgroup/memory/memory.stat': STAT_V1,
    },
    'of version 1, on a node': {
      '/proc/self/cgroup': '9:name=systemd:/\n4:memory:/proxy\n0::/\n',
      '/sys/fs/cgroup/memory/proxy/memory.stat': STAT_V1,
      '/sys/fs/cgroup/memory/memory.stat': 'active_file 9999\n',
    },
  }))
    it(`is what its lists of files say: ${where}`, () => {
      expect(bytes(files)).to.equal(62)
    })

  it('is nothing where it is not known', () => {
    expect(bytes({})).to.equal(0)
    expect(bytes({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.stat': 'anon 9\n' })).to.equal(0)
  })
})
