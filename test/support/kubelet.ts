/** The parts of a container and its pod that decide its environment. */
export interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } }
}

/**
 * The environment a kubelet would give a container: fieldRefs read from the pod, `$(NAME)` replaced by what is defined before it, `$$` by `$`.
 * @param fields values by fieldPath, for example `metadata.name`.
 * @param service variables of services, which every container has before its own.
 * @throws when a variable needs something else of a cluster.
 * Source: kubernetes/third_party/forked/golang/expansion.
 */
export function containerEnvironment(
  env: readonly EnvVar[],
  fields: Readonly<Record<string, string>>,
  service: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const result: Record<string, string> = { ...service }
  for (const { name, value, valueFrom } of env) {
    const path = valueFrom?.fieldRef?.fieldPath
    const field = path === undefined ? undefined : fields[path]
    if (valueFrom && field === undefined) throw new Error(`${name} needs ${JSON.stringify(valueFrom)}`)
    result[name] = field ?? expand(value ?? '', result)
  }
  return result
}

function expand(text: string, known: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
    if (name === undefined) return '$'
    return Object.hasOwn(known, name) ? (known[name] ?? '') : whole
  })
}
