// mocha's spec reporter, then one plain line any log reader can grep: `N passed, N failed`.
import { setTimeout } from 'node:timers'
import Mocha from 'mocha'

/** What a failed hook has started is never ended, and would keep the run from ending. A run that passes must end by itself. */
const END_AFTER_FAILURE_MS = 10_000

export default class PlainSummary extends Mocha.reporters.Spec {
  done(failures, finish) {
    const { passes, pending } = this.stats
    process.stdout.write(
      `${passes} passed, ${this.stats.failures} failed${pending > 0 ? `, ${pending} skipped` : ''}\n`,
    )
    finish(failures)
    if (failures > 0) setTimeout(() => process.exit(), END_AFTER_FAILURE_MS).unref()
  }
}
