import { execFileSync } from 'node:child_process'

/** What the chart's checks run: how to see that it is there, and where to get it. */
export const TOOLS = {
  helm: { probe: ['version'], source: 'https://helm.sh/docs/intro/install, version 3.18 or newer' },
  'helm-unittest': {
    probe: ['--help'],
    source:
      'https://github.com/helm-unittest/helm-unittest; link the `untt` of its plugin or release as `helm-unittest`',
  },
  kubeconform: { probe: ['-v'], source: 'go install github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0' },
} as const

export type Tool = keyof typeof TOOLS

export function isInstalled(tool: Tool): boolean {
  try {
    execFileSync(tool, [...TOOLS[tool].probe], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** More than any rendering. */
const LARGEST_OUTPUT = 64 * 1024 * 1024
const LIMIT_MS = 120_000

/** Runs a tool. @returns standard output. @throws Error with everything it said. */
export function runTool(tool: Tool | 'kubectl', args: readonly string[], input = ''): string {
  try {
    return execFileSync(tool, args, {
      input,
      stdio: 'pipe',
      encoding: 'utf8',
      maxBuffer: LARGEST_OUTPUT,
      timeout: LIMIT_MS,
    })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${tool} ${args.join(' ')}\n${stderr}${stdout}`, { cause: error })
  }
}
