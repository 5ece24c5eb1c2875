import type { EndpointAnswer, EndpointRequest, ExchangeCall } from '../../../proxy/src/tokens/exchanges/endpoint.ts'

/** A token endpoint that remembers what it was sent and answers what the test wants. */
export interface FakeEndpoint {
  readonly requests: EndpointRequest[]
  /** What an exchange has at hand, with this endpoint. */
  readonly tools: ExchangeCall
  /** Answers in turn; the last one stays. A body that is not text is sent as JSON. */
  answers: (Partial<Omit<EndpointAnswer, 'body'>> & { readonly body?: unknown })[]
}

export const SUBJECT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzb3VyY2UifQ.c291cmNl'
export const SECRET = 'p&ss w0rd'
export const NOW_MS = Date.UTC(2026, 0, 1)

export function createFakeEndpoint(...answers: FakeEndpoint['answers']): FakeEndpoint {
  const fake: FakeEndpoint = {
    requests: [],
    answers,
    tools: {
      subject: SUBJECT,
      call: (request) => {
        fake.requests.push(request)
        const {
          status = 200,
          retryAfterMs,
          body = '',
        } = fake.answers[fake.requests.length - 1] ?? fake.answers.at(-1) ?? {}
        const text = typeof body === 'string' ? body : JSON.stringify(body)
        return Promise.resolve({ status, retryAfterMs, body: text })
      },
      readSecret: () => Promise.resolve(SECRET),
      nowMs: () => NOW_MS,
      signal: new AbortController().signal,
    },
  }
  return fake
}
