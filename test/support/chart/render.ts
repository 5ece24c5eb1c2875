import { readdirSync } from 'node:fs'
import { runTool } from './tools.ts'
import { CHART } from './values.ts'

export const RELEASE = 'aws-outbound-jwt-injector'
/** The namespace of the documentation and of install.yaml. */
export const NAMESPACE = 'outbound-jwt-system'

/** @returns what `helm install` would send, without hooks. @param options more of helm's. @throws Error with helm's own words. */
export function renderChart(options: readonly string[] = [], namespace = NAMESPACE): string {
  const args = ['template', RELEASE, CHART, '--namespace', namespace, '--no-hooks', '--kube-version', '1.32.0']
  return runTool('helm', [...args, ...options])
}

/** The matrix: name and file of every set of values in the chart's ci folder. */
export const VALUES: readonly (readonly [name: string, file: string])[] = readdirSync(`${CHART}/ci`)
  .sort()
  .map((file) => [file.replace('-values.yaml', ''), `${CHART}/ci/${file}`])
