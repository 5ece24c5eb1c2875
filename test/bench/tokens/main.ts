// `npm run bench:tokens`: what the token engine asks of STS and of token endpoints, and what it makes of a thousand requests without a token.
import { writeResult } from '../report/write.ts'
import { coldRequests, requestsBehindLeaver } from './cold.ts'
import { coldExchange, exchangeOutage, refreshedExchange, warmExchange } from './exchanged.ts'
import type { ExchangedOutcome } from './exchanged.ts'
import { fleetLoad } from './fleet.ts'

const cold = await coldRequests(1_000)
const behind = await requestsBehindLeaver(100)
const exchanged = {
  cold: await coldExchange(1_000),
  refreshed: await refreshedExchange(),
  outage: await exchangeOutage(),
}
const warm = await warmExchange()
const fleet = await fleetLoad()

const exchangedRow = (what: string, found: ExchangedOutcome): readonly (string | number)[] => [
  what,
  found.requests,
  found.calls,
  found.exchanges,
  found.failed,
  found.waited,
]

writeResult('tokens', {
  title: 'Token engine',
  conditions: [
    'The load of a fleet is the shipped engine on simulated clocks, at the default duration of 15 minutes.',
    'Cold requests are real: the shipped bundle, an emulated STS that takes 2 s, a partner that verifies every token.',
    'Exchanged tokens are, too: a token endpoint gives back what it was given, so that the partner still verifies it.',
  ],
  bars: [
    { what: 'STS calls per pod in any hour', bound: 'at most', limit: 9, measured: fleet.busiestHour, unit: 'calls' },
    { what: 'STS calls for 1,000 cold requests', bound: 'at most', limit: 1, measured: cold.calls, unit: 'calls' },
    { what: 'cold requests that failed', bound: 'at most', limit: 0, measured: cold.failed, unit: 'requests' },
    {
      what: 'requests that failed behind a first caller who left',
      bound: 'at most',
      limit: 0,
      measured: behind.failed,
      unit: 'requests',
    },
    {
      what: 'exchanges for 1,000 cold requests',
      bound: 'at most',
      limit: 1,
      measured: exchanged.cold.exchanges,
      unit: 'exchanges',
    },
    {
      what: 'cold requests that failed, with an exchange',
      bound: 'at most',
      limit: 0,
      measured: exchanged.cold.failed,
      unit: 'requests',
    },
    {
      what: 'requests that failed while exchanged tokens were refreshed',
      bound: 'at most',
      limit: 0,
      measured: exchanged.refreshed.failed,
      unit: 'requests',
    },
    {
      what: 'requests lost to an outage of the token endpoint while a token lives',
      bound: 'at most',
      limit: 0,
      measured: exchanged.outage.failed,
      unit: 'requests',
    },
  ],
  tables: [
    fleet.table,
    {
      title: 'Requests without a token',
      columns: ['', 'requests', 'STS calls', 'failed'],
      rows: [
        ['at once, over 500 connections', cold.requests, cold.calls, cold.failed],
        ['behind a first caller who left', behind.requests, behind.calls, behind.failed],
      ],
    },
    {
      title: 'Requests with an exchanged token',
      columns: ['', 'requests', 'STS calls', 'exchanges', 'failed', 'waited'],
      rows: [
        exchangedRow('cold, the endpoint takes 2 s', exchanged.cold),
        exchangedRow('the result lives for 10 s', exchanged.refreshed),
        exchangedRow('the endpoint is down after the first', exchanged.outage),
      ],
      notes: [
        `Warm, a request with an exchanged token costs ${warm.toFixed(2)} times the CPU of one with the token of AWS itself.`,
      ],
    },
  ],
})
