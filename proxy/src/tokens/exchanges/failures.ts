const DOCTOR = '/nodejs/bin/node /app/doctor.mjs'

/** Every way in which a call of a token endpoint fails; rows of `FAILURES`. */
export const EXCHANGE_FAILURES = {
  invalid_grant: {
    step: 'exchange',
    class: 'config',
    code: 'token_denied',
    meaning: 'The token endpoint does not accept the token that it was given.',
    hint: `Compare issuer, subject, audience and algorithm with what is registered at the partner; doctor shows those of the token: ${DOCTOR}`,
  },
  invalid_client: {
    step: 'exchange',
    class: 'config',
    code: 'token_denied',
    meaning: 'The token endpoint does not accept the client.',
    hint: `Check clientId, and the secret if there is one. Where the token is the assertion of the client, compare its issuer, subject and audience with what is registered; doctor shows them: ${DOCTOR}`,
  },
  unauthorized_client: {
    step: 'exchange',
    class: 'config',
    code: 'token_denied',
    meaning: 'The partner does not let the client do this exchange.',
    hint: 'Check clientId, whether the partner allows it the grant of the exchange, and what the partner demands of the token besides, such as the attribute condition of a provider of Google.',
  },
  invalid_target: {
    step: 'exchange',
    class: 'config',
    code: 'token_denied',
    meaning: 'The token endpoint does not issue tokens for this audience or resource.',
    hint: 'Check audience, resource and scope of the exchange.',
  },
  exchange_denied: {
    step: 'exchange',
    class: 'config',
    code: 'token_denied',
    meaning: 'The token endpoint refuses the request.',
    hint: "Check the URL and the fields of the exchange; the partner's words are in the message. Redirects are not followed.",
  },
  client_secret_unreadable: {
    step: 'exchange',
    class: 'config',
    code: 'token_denied',
    meaning: 'The secret of the client cannot be read.',
    hint: 'Check that the Secret that clientSecret names has that key, that it is not empty, and that it is one line of UTF-8 of at most 64 KiB, without a byte order mark.',
  },
  exchange_throttled: {
    step: 'exchange',
    class: 'transient',
    code: 'token_unavailable',
    meaning: 'The token endpoint limits the rate of requests.',
    hint: 'The proxy retries by itself, not before the time that the endpoint names.',
  },
  exchange_unavailable: {
    step: 'exchange',
    class: 'transient',
    code: 'token_unavailable',
    meaning: 'The token endpoint answers with a server error.',
    hint: "Check the partner's status page. The proxy retries by itself.",
  },
  exchange_unreachable: {
    step: 'exchange',
    class: 'transient',
    code: 'token_unavailable',
    meaning: 'The token endpoint cannot be reached.',
    hint: 'Check its URL, DNS, and that a network policy or firewall allows it. For a private CA, name it in the ca field of the exchange.',
  },
  exchange_timeout: {
    step: 'exchange',
    class: 'transient',
    code: 'token_timeout',
    meaning: 'The token endpoint did not answer in time.',
    hint: 'Check that the pod reaches the token endpoint: source and exchange have 10 s together.',
  },
} as const
