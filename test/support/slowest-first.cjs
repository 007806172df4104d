const Sequencer = require('@jest/test-sequencer').default;

/**
 * Runs the tests that start servers first. Without times of an earlier run, as in a fresh clone, Jest starts with the
 * largest file; then one worker would wait at the end of the run while the other starts a whole system.
 */
const WITH_SERVERS = /\/test\/(e2e|http|faults|integration)\//;

module.exports = class SlowestFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const first = (test) => (WITH_SERVERS.test(test.path) ? 0 : 1);
    return [...sorted].sort((a, b) => first(a) - first(b)); // stable: otherwise in the order of Jest
  }
};
