// `npm run bench:tokens`: what the token engine asks of STS, and what it makes of a thousand requests without a token.
import { writeResult } from '../report/write.ts'
import { coldRequests, requestsBehindLeaver } from './cold.ts'
import { fleetLoad } from './fleet.ts'

const cold = await coldRequests(1_000)
const behind = await requestsBehindLeaver(100)
const fleet = await fleetLoad()

writeResult('tokens', {
  title: 'Token engine',
  conditions: [
    'The load of a fleet is the shipped engine on simulated clocks, at the default duration of 15 minutes.',
    'Cold requests are real: the shipped bundle, an emulated STS that takes 2 s, a partner that verifies every token.',
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
  ],
})
