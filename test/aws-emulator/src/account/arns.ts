/** ARNs of one account, in the partition of its region. */
export interface Arns {
  assumedRole(roleArn: string, sessionName: string): string
  oidcProvider(issuer: string): string
  /** The resource of GetWebIdentityToken. */
  readonly self: string
}

export function createArns(accountId: string, region: string): Arns {
  const partition = /^(cn|us-gov)-/.exec(region)
  const aws = partition ? `aws-${partition[1] ?? ''}` : 'aws'
  return {
    // Without the role's path, unlike the role's own ARN.
    assumedRole: (roleArn, name) =>
      `arn:${aws}:sts::${accountId}:assumed-role/${roleArn.split('/').at(-1) ?? ''}/${name}`,
    oidcProvider: (issuer) => `arn:${aws}:iam::${accountId}:oidc-provider/${issuer.replace(/^https?:\/\//, '')}`,
    self: `arn:${aws}:sts::${accountId}:self`,
  }
}
