// What eslint.config.js cannot see: how files hang together. Run by `npm run lint`; the reasons are in docs/adr/0013.
export default {
  forbidden: [
    {
      name: 'no-circular',
      comment:
        'Two files that need each other are one file, or share a third. Types count: a reader follows them, too.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'contract-stands-alone',
      comment: 'The webhook and the sidecar may be of different versions; what they agree on depends on neither.',
      severity: 'error',
      from: { path: '^proxy/src/contract' },
      to: { pathNot: '^proxy/src/contract' },
    },
    {
      name: 'runtime-knows-no-product',
      comment: 'How a process runs does not depend on what it does.',
      severity: 'error',
      from: { path: '^proxy/src/runtime/' },
      to: { path: '^(proxy|webhook)/src/', pathNot: '^proxy/src/(runtime/|contract)' },
    },
    {
      name: 'injection-is-offline',
      comment: 'The command line makes the same decisions without a cluster.',
      severity: 'error',
      from: { path: '^webhook/src/injection/' },
      to: { path: '^webhook/src/', pathNot: '^webhook/src/injection/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.base.json' },
  },
}
