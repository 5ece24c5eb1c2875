// What a bundle has inside: its software bill of materials, and the licences that have to travel with it.
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @param {import('esbuild').Metafile} metafile of a bundle.
 * @returns the packages of which some code is in it, by name; `folder` is where each is installed.
 */
export function bundledPackages({ outputs }) {
  const folders = new Set()
  for (const { inputs } of Object.values(outputs))
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []
      if (folder !== undefined && bytesInOutput > 0) folders.add(folder)
    }
  return [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return { name, version, license: license ?? 'NOASSERTION', folder }
  })
}

/** @returns a CycloneDX document: without the time of the build, so that the same code gives the same bytes. */
export function sbomOf(name, version, packages) {
  const components = packages.map((each) => ({
    type: 'library',
    name: each.name,
    version: each.version,
    purl: `pkg:npm/${each.name.replace('@', '%40')}@${each.version}`,
    licenses: [{ expression: each.license }],
  }))
  const hash = createHash('sha256')
    .update(JSON.stringify([name, version, components]))
    .digest('hex')
  // The layout of a random UUID (RFC 9562 §5.8: version 8, of bits that are one's own).
  const uuid = hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, '$1-$2-8$3-8$4-$5')
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuid}`,
    version: 1,
    metadata: { component: { type: 'application', name, version } },
    components,
  }
}

/** @returns the texts of the licences of the packages, for people. */
export function licencesOf(packages) {
  return packages
    .map(({ name, version, license, folder }) => {
      const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
      const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim())
      return [`${name} ${version} (${license})`, ...texts].join('\n\n')
    })
    .join(`\n\n${'-'.repeat(80)}\n\n`)
}
