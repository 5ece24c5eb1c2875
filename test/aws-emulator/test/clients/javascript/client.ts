// The JavaScript SDK as a client of the emulator, configured by environment variables alone, as in a pod.
import {
  GetCallerIdentityCommand,
  GetWebIdentityTokenCommand,
  STSClient,
  STSServiceException,
} from '@aws-sdk/client-sts'

const sts = new STSClient()
const identity = await sts.send(new GetCallerIdentityCommand())
const request = { Audience: ['https://api.partner.example'], SigningAlgorithm: 'ES384' }
const answer = await sts.send(new GetWebIdentityTokenCommand({ ...request, DurationSeconds: 600 }))
// A session of an hour cannot hold a token of an hour.
const refusal: unknown = await sts.send(new GetWebIdentityTokenCommand({ ...request, DurationSeconds: 3600 })).then(
  () => undefined,
  (error: unknown) => error,
)
if (!(refusal instanceof STSServiceException)) throw new Error(`expected a refusal, got ${String(refusal)}`)

process.stdout.write(
  JSON.stringify({
    arn: identity.Arn,
    token: answer.WebIdentityToken,
    expiration: answer.Expiration,
    refusal: refusal.name,
  }),
)
