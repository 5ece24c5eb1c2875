// mocha's spec reporter, then one plain line any log reader can grep: `N passed, N failed`.
import Mocha from 'mocha'

export default class PlainSummary extends Mocha.reporters.Spec {
  done(failures, finish) {
    const { passes, pending } = this.stats
    process.stdout.write(
      `${passes} passed, ${this.stats.failures} failed${pending > 0 ? `, ${pending} skipped` : ''}\n`,
    )
    finish(failures)
  }
}
