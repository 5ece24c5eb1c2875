// Bundles each process of ours into dist/, one file per entry point and one per part that is loaded later, with external source maps:
// what the images ship and the integration tests run.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { build } from 'esbuild'
import { bundledPackages, licencesOf, sbomOf } from './sbom.mjs'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))

/** CommonJS dependencies inside an ES module bundle call `require` for Node's own modules; so do the imports of them, see below. */
const REQUIRE_BANNER = "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);"

/**
 * Node's own modules by `require`, whoever imports them. An `import` makes Node read every export, also those that load on demand:
 * `import 'node:http'` alone runs Node's own fetch and WebSocket, 40 ms and 14 MB that no process of ours uses (docs/performance.md).
 */
const BUILTINS_BY_REQUIRE = {
  name: 'builtins-by-require',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind !== 'require-call' && isBuiltin(path) ? { path, namespace: 'builtin' } : undefined,
    )
    onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
    }))
  },
}

/**
 * Of winston the three parts that runtime/logger.ts uses, without what nothing here runs: other transports, colours, and Node's own streams
 * as they were in Node 10. Whole, it cost the start of the proxy 7 to 12 % (docs/adr/0012-winston-and-express.md).
 */
const REPLACED = {
  'readable-stream': "require('node:stream')",
  'readable-stream/lib/_stream_writable.js': "require('node:stream').Writable",
  '@colors/colors/safe': '{}',
  winston: `{
    createLogger: require('winston/lib/winston/create-logger'),
    format: require('logform').format,
    transports: { Stream: require('winston/lib/winston/transports/stream') },
  }`,
}
const LIGHTER_WINSTON = {
  name: 'lighter-winston',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(winston|readable-stream|@colors)/ }, ({ path }) =>
      Object.hasOwn(REPLACED, path) ? { path, namespace: 'replaced' } : undefined,
    )
    onLoad({ filter: /^/, namespace: 'replaced' }, ({ path }) => ({
      contents: `module.exports = ${REPLACED[path]}`,
      resolveDir: import.meta.dirname,
    }))
  },
}

/** The command line is the bin of its package, so its bundle is inside of it. */
const PROGRAMS = {
  proxy: {
    outdir: 'dist/proxy',
    entryPoints: { main: 'proxy/src/main.ts', probe: 'proxy/src/probe.ts', doctor: 'proxy/src/doctor.ts' },
  },
  webhook: { outdir: 'dist/webhook', entryPoints: { main: 'webhook/src/main.ts' } },
  cli: { outdir: 'webhook/dist', entryPoints: { cli: 'webhook/src/cli/main.ts' } },
}

for (const [name, { outdir, entryPoints }] of Object.entries(PROGRAMS)) {
  rmSync(outdir, { recursive: true, force: true })
  const { metafile } = await build({
    entryPoints,
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    metafile: true,
    // What is loaded later, the AWS SDK above all, is not parsed before the port is open.
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: 'external',
    legalComments: 'linked',
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE_BANNER },
    // What the bundles are must not depend on a compiler's configuration; the images are built without it.
    tsconfigRaw: {},
    // Libraries leave out what helps their own development, such as stack traces in answers.
    define: { __VERSION__: JSON.stringify(version), 'process.env.NODE_ENV': '"production"' },
    plugins: [LIGHTER_WINSTON, BUILTINS_BY_REQUIRE],
    logLevel: 'warning',
  })
  const packages = bundledPackages(metafile)
  const sbom = JSON.stringify(sbomOf(`outbound-jwt-${name}`, version, packages), undefined, 2)
  writeFileSync(`${outdir}/${name}.cdx.json`, `${sbom}\n`)
  writeFileSync(`${outdir}/${name}.LICENSES.txt`, `${licencesOf(packages)}\n`)
}
