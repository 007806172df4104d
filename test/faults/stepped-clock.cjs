'use strict';
// Loaded into a process before its program: its parent can move the wall clock that it sees, and nothing else.
const now = Date.now;
let ahead = 0;
Date.now = () => now() + ahead;
process.on('message', (message) => {
  if (typeof message.clockAheadMs !== 'number') return;
  ahead = message.clockAheadMs;
  process.send({ clockAheadMs: ahead });
});
