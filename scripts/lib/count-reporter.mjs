// A Vitest reporter that writes what scripts/test.mjs adds up: counts, names of failures, skips with their reasons.
import { writeFileSync } from 'node:fs';

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {string[]} failed One line per failure; a file that could not be loaded counts as one.
 * @property {{ name: string, reason: string }[]} skipped
 */

export default class CountReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandled errors that belong to no test
   */
  onTestRunEnd(modules, unhandled) {
    /** @type {Counts} */
    const counts = { passed: 0, failed: [], skipped: [] };
    for (const module of modules) {
      const file = module.relativeModuleId;
      if (module.errors().length > 0) counts.failed.push(`${file} (could not be run)`);
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) counts.failed.push(`${file} > ${suite.fullName} (set-up or clean-up)`);
      }
      for (const test of module.children.allTests()) {
        const name = `${file} > ${test.fullName}`;
        const result = test.result();
        if (result.state === 'passed') counts.passed++;
        else if (result.state === 'skipped') {
          counts.skipped.push({ name, reason: result.note ?? 'no reason given' });
        } else counts.failed.push(name);
      }
    }
    for (const error of unhandled) {
      counts.failed.push(`unhandled: ${String(/** @type {any} */ (error)?.message ?? error).split('\n')[0]}`);
    }
    const path = process.env.TRAINYARD_COUNTS;
    if (path === undefined) throw new Error('TRAINYARD_COUNTS does not name the file for the counts.');
    writeFileSync(path, JSON.stringify(counts));
  }
}
