import { FILE_HEADERS_ONLY, createTwoFilesPatch } from 'diff'

/** @returns the change of a file as `diff -u` writes it, empty when there is none. */
export function unifiedDiff(file: string, before: string, after: string): string {
  if (before === after) return ''
  return createTwoFilesPatch(file, `${file} (injected)`, before, after, '', '', { headerOptions: FILE_HEADERS_ONLY })
}
