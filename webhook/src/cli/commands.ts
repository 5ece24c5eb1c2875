// What the program can do. Usage, completion and docs/cli.md are made from these tables.

/** A row of the options; `type`, `short` and `multiple` are for `parseArgs`. */
interface OptionRow {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly multiple?: true
  /** What stands for its value in a synopsis; `FILE` is completed with files. */
  readonly value?: string
  readonly doc: string
}

/** Every option has one meaning, whatever the command. */
export const OPTIONS = {
  file: {
    type: 'string',
    short: 'f',
    multiple: true,
    value: 'FILE',
    doc: 'manifests as YAML or JSON, several documents allowed; - is standard input',
  },
  values: {
    type: 'string',
    value: 'FILE',
    doc: 'values of the Helm chart: image, resources and defaults of your clusters',
  },
  policy: {
    type: 'string',
    value: 'FILE',
    doc: 'a policy, what each namespace may ask for, where `policy.rules` of `--values` does not have it: a file with `rules:`; an object without a namespace counts as one of `default`',
  },
  diff: { type: 'boolean', doc: 'only what would change' },
  complete: { type: 'boolean', doc: 'print a completed copy of the document instead' },
  namespace: { type: 'string', short: 'n', value: 'NAMESPACE', doc: 'the namespace; otherwise that of the kubeconfig' },
  'all-namespaces': { type: 'boolean', short: 'A', doc: 'every namespace' },
  watch: { type: 'boolean', short: 'w', doc: 'again every 5 seconds, until it is interrupted' },
  container: { type: 'string', short: 'c', value: 'CONTAINER', doc: 'the sidecar, where it has another name' },
  'service-account': {
    type: 'string',
    value: 'NAME',
    doc: 'also whether a pod of this service account gets a role',
  },
  pre: { type: 'boolean', doc: 'before an installation: whether the cluster and your rights suffice' },
  context: { type: 'string', value: 'CONTEXT', doc: 'a context of the kubeconfig; otherwise its current one' },
  output: { type: 'string', short: 'o', value: 'FORMAT', doc: 'form of the output' },
  help: { type: 'boolean', short: 'h', doc: 'this text, or that of a command' },
  version: { type: 'boolean', doc: 'the version of the program' },
} as const satisfies Readonly<Record<string, OptionRow>>

export type OptionName = keyof typeof OPTIONS

export interface CommandRow {
  readonly doc: string
  /** What stands after the command. */
  readonly argument?: { readonly name: string; readonly doc: string; readonly values?: readonly string[] }
  readonly options: readonly OptionName[]
  /** Options that it cannot go without. */
  readonly needs?: readonly OptionName[]
  /** Of `--output`; the first is the default. */
  readonly formats?: readonly [string, ...string[]]
  /** In the cluster, each as the end of "the right to …". */
  readonly rights?: readonly string[]
}

export const SHELLS = ['bash', 'zsh'] as const

export const COMMANDS = {
  lint: {
    doc: 'says what the webhook would refuse, and what would have no effect',
    options: ['file', 'values', 'policy'],
    needs: ['file'],
    formats: ['text', 'json'],
  },
  inject: {
    doc: 'prints manifests as the webhook would make their pods; prints none when it would refuse one',
    options: ['file', 'values', 'diff'],
    needs: ['file'],
    formats: ['yaml', 'json'],
  },
  explain: {
    doc: 'says what a reason, an error code, a status, an annotation, a field of a route, a metric or a variable means, and what to do',
    argument: { name: 'WORD', doc: 'the word as it stands in a message, a manifest or a dashboard' },
    options: [],
  },
  discovery: {
    doc: "says what is missing in the discovery document of an issuer such as AWS's, and whom that breaks",
    argument: { name: 'ISSUER', doc: 'the `iss` of a token: an https:// URL' },
    options: ['complete'],
    formats: ['text', 'json'],
  },
  check: {
    doc: 'says what is wrong with the cluster or with the installation, and what to do',
    options: ['pre', 'namespace', 'service-account', 'context'],
    formats: ['text', 'json'],
    rights: [
      'list mutatingwebhookconfigurations, validatingwebhookconfigurations, validatingadmissionpolicies and validatingadmissionpolicybindings',
      'get deployments, list pods and get pods/proxy in the namespace of the installation',
      'create pods in the namespace that is looked at; none is kept',
    ],
  },
  doctor: {
    doc: 'runs the doctor of the sidecar in a pod: why it gets no token, or its partner does not take it',
    argument: { name: 'POD', doc: 'the name of a pod, with or without pod/ before it' },
    options: ['namespace', 'container', 'context'],
    formats: ['text', 'json'],
    rights: ['get and create pods/exec'],
  },
  status: {
    doc: 'shows the injected pods: version, partners, age of the token, requests and failures',
    options: ['namespace', 'all-namespaces', 'watch', 'context'],
    formats: ['text', 'json'],
    rights: ['list pods', 'get pods/proxy'],
  },
  completion: {
    doc: 'prints a script that completes commands and options',
    argument: { name: 'SHELL', doc: 'bash or zsh', values: SHELLS },
    options: [],
  },
} as const satisfies Readonly<Record<string, CommandRow>>

export type CommandName = keyof typeof COMMANDS

export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly CommandName[]

/** @returns the options of a command, `output` included where it has formats. */
export function optionsOf({ options, formats }: CommandRow): readonly OptionName[] {
  return formats ? [...options, 'output'] : options
}

/** Exit statuses, after sysexits.h where it has one. */
export const EXITS = {
  fine: { status: 0, doc: 'fine; warnings at most' },
  found: {
    status: 1,
    doc: 'a pod would be refused, something has no effect where it stands, a check failed, or nothing has such a name',
  },
  usage: {
    status: 64,
    doc: 'wrong arguments, an unreadable file (a directory, not UTF-8, not YAML, nested deeper than 500 levels, more than 100 uses of one anchor), wrong values of the chart',
  },
  unavailable: {
    status: 69,
    doc: 'what was asked (an issuer, the API server, a sidecar) did not answer, or not with what was asked for; or no check failed, and one could not be made',
  },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly doc: string }>>
