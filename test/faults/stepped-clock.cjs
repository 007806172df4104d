'use strict';
// Preloaded into a process so that its parent can move the wall clock it reads. Monotonic clocks and timers stay as they are.
const now = Date.now;
let ahead = 0;
Date.now = () => now() + ahead;
process.on('message', (message) => {
  if (typeof message.clockAheadMs !== 'number') return;
  ahead = message.clockAheadMs;
  process.send({ clockAheadMs: ahead });
});
