const PREFIX = 'AWS_'

/**
 * Gives this process exactly these AWS variables: the SDK reads them by itself.
 * @returns how to restore what was there before.
 */
export function setAwsEnvironment(variables: Readonly<Record<string, string>>): () => void {
  const before = Object.entries(process.env).filter(([name]) => name.startsWith(PREFIX))
  const clear = (): void => {
    for (const name of Object.keys(process.env)) if (name.startsWith(PREFIX)) Reflect.deleteProperty(process.env, name)
  }
  clear()
  Object.assign(process.env, variables)
  return () => {
    clear()
    Object.assign(process.env, Object.fromEntries(before))
  }
}
