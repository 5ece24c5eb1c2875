import type { Parser } from './parsers.ts'
import { accepted, refused } from './parsers.ts'

/** The ARN of a role, in any partition. Source: IAM user guide, "IAM identifiers". */
export const roleArn: Parser<string> = (value) =>
  /^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/.test(value)
    ? accepted(value)
    : refused('the ARN of an IAM role, such as arn:aws:iam::123456789012:role/orders')

/** Of an AWS session. Source: STS API reference, AssumeRoleWithWebIdentity. */
export const sessionName: Parser<string> = (value) =>
  /^[\w+=,.@-]{2,64}$/.test(value) ? accepted(value) : refused('2 to 64 letters, digits or any of +=,.@_-')

/** A region code; STS has no global endpoint for GetWebIdentityToken. */
export const region: Parser<string> = (value) =>
  /^[a-z]{2,4}(?:-[a-z]{2,16}){1,3}-\d{1,2}$/.test(value)
    ? accepted(value)
    : refused('an AWS region, such as eu-central-1')

/** Whether a region ends in a point of the compass, as every region of AWS has so far: `eu-cental-1` does not. */
export const isUsualRegion = (name: string): boolean =>
  /-(?:central|north|south|(?:north|south)?(?:east|west))-\d{1,2}$/.test(name)
