/**
 * Reads the search domains out of /etc/resolv.conf, which Node's resolver leaves aside.
 * @returns those of the last line that has any, without trailing dots. resolv.conf(5)
 */
export function searchDomains(resolvConf: string): readonly string[] {
  const lines = [...resolvConf.matchAll(/^(?:search|domain)[ \t]+(.*)$/gm)]
  const domains = (lines.at(-1)?.[1] ?? '').replace(/[#;].*/, '').split(/\s+/)
  return domains.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== '')
}
