import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'

const client = new STSClient({
  endpoint: process.argv[2],
  region: 'eu-central-1',
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
  maxAttempts: 1,
})
try {
  const { $metadata } = await client.send(new GetCallerIdentityCommand({}))
  console.log('status', $metadata.httpStatusCode)
} catch (error) {
  const status = error.$metadata?.httpStatusCode ?? error.$response?.statusCode
  if (status === undefined) console.log('error', error.message)
  else console.log('status', status)
}
