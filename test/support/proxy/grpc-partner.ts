import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import type {
  Metadata,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  sendUnaryData,
} from '@grpc/grpc-js'
import type { KeyPair } from '../certificates.ts'

const identity = (message: Buffer): Buffer => message
const method = (
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): ServiceDefinition[string] & { readonly path: string } => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
})

/** One method of each kind, its messages bytes. */
export const ECHO = {
  unary: method('Unary', false, false),
  clientStream: method('ClientStream', true, false),
  serverStream: method('ServerStream', false, true),
  bidi: method('Bidi', true, true),
} satisfies ServiceDefinition

/** A partner that speaks gRPC. */
export interface GrpcPartner {
  readonly port: number
  /** Of the calls that came, in turn. */
  readonly metadata: readonly Metadata[]
  /** Calls that their client gave up. */
  cancelled(): number
  /** Ends all connections. */
  kill(): void
}

/** Starts a partner that says what it hears; asked for a number of answers, it gives as many. */
export async function startGrpcPartner({ cert, key }: KeyPair): Promise<GrpcPartner> {
  const seen: Metadata[] = []
  let cancelled = 0
  const server = new Server({ 'grpc.max_receive_message_length': -1 })
  server.addService(ECHO, {
    unary: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      seen.push(call.metadata)
      const text = call.request.subarray(0, 4).toString()
      if (text === 'fail') done({ code: status.NOT_FOUND, details: 'no such order: ä' })
      else done(null, call.request)
    },
    clientStream: (call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      const chunks: Buffer[] = []
      call.on('cancelled', () => cancelled++)
      call.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => done(null, Buffer.concat(chunks)))
    },
    serverStream: (call: ServerWritableStream<Buffer, Buffer>) => {
      call.on('cancelled', () => cancelled++)
      const [count = 0, size = 0] = call.request.toString().split(' ').map(Number)
      let sent = 0
      const write = (): void => {
        while (sent < count) {
          sent++
          if (!call.write(Buffer.alloc(size))) {
            call.once('drain', write)
            return
          }
        }
        call.end()
      }
      write()
    },
    bidi: (call: ServerDuplexStream<Buffer, Buffer>) => {
      seen.push(call.metadata)
      call.on('cancelled', () => cancelled++)
      call.on('data', (chunk: Buffer) => call.write(chunk)).on('end', () => call.end())
    },
  })
  const secure = ServerCredentials.createSsl(null, [{ private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }])
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', secure, (error, bound) => (error ? reject(error) : resolve(bound)))
  })
  return { port, metadata: seen, cancelled: () => cancelled, kill: () => server.forceShutdown() }
}
