import { NAMESPACE, renderChart } from '../chart/render.ts'
import { isInstalled } from '../chart/tools.ts'
import type { GeneratedDocument } from './documents.ts'

export const INSTALL = 'manifests/install.yaml'

/** Needs helm; without it nothing is made, and test/chart says so. */
export function documents(): readonly GeneratedDocument[] {
  if (!isInstalled('helm')) return []
  const document = {
    path: INSTALL,
    // When it is its turn: helm reads files of the chart that are generated, too, and come earlier by their path.
    get content() {
      return installManifest()
    },
  }
  return [document]
}

export const installManifest =
  (): string => `# The chart with manifests/values.yaml, made by \`npm run generate\`; do not edit.
# kubectl apply --server-side -f install.yaml
apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
${plain(renderChart(['--values', 'manifests/values.yaml']))}`

/** Labels and comments that are only true of a Helm release. */
const plain = (rendered: string): string =>
  rendered
    .split('\n')
    .filter((line) => line !== '' && !/^# Source: |^ +(app\.kubernetes\.io\/managed-by|helm\.sh\/chart): /.test(line))
    .join('\n')
    .concat('\n')
