/** Results by the text they were made from. Only for what a text alone decides: a hit must be the same as making it again. */
export interface Memo<T> {
  get(text: string): T | undefined
  set(text: string, value: T): void
}

/** Creates a memo that holds texts of so many characters together; the oldest make room. */
export function createMemo<T>(mostCharacters: number): Memo<T> {
  const values = new Map<string, T>()
  let characters = 0
  return {
    get: (text) => values.get(text),
    set: (text, value) => {
      if (text.length > mostCharacters || values.has(text)) return
      values.set(text, value)
      characters += text.length
      for (const oldest of values.keys()) {
        if (characters <= mostCharacters) return
        values.delete(oldest)
        characters -= oldest.length
      }
    },
  }
}
