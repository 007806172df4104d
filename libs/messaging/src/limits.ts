/** Every queue, size and wait of the bus has its maximum here. Sizes in bytes, times in milliseconds. */
export const BUS_LIMITS = {
  // messages
  /** what our servers are told to take; a message is refused here before the server would close the connection over it */
  payloadBytes: 8 * 1024 * 1024,
  requestTimeoutMs: 60_000,
  /** requests of one connection that wait for an answer */
  requestsInFlight: 20_000,
  /** requests of one subject taken and not yet answered, where the server of the subject doesn't say */
  pendingDefault: 1_000,
  pendingMax: 20_000,

  // the connection
  connectMs: 15_000,
  /** one attempt at one server */
  dialMs: 5_000,
  reconnectDelayMs: 250,
  reconnectJitterMs: 250,
  /** a server that answers nothing is given up after two of these */
  pingEveryMs: 5_000,
  drainMs: 10_000,

  // the event stream: one small message for each commit, which nobody asks for later; kept in the server's memory
  streamBytes: 16 * 1024 * 1024,
  streamAgeMs: 10 * 60_000,
  streamDedupeMs: 2 * 60_000,
  streamMessageBytes: 4 * 1024,
  /** announcements of one publisher that wait for their acknowledgement; more are left to the followers' looks */
  announceInFlight: 1_024,
  announceAckMs: 5_000,

  // following
  /** events of one reading, which are one batch */
  followBatch: 1_000,
  pollMs: 1_000,
  retryFirstMs: 50,
  retryMostMs: 5_000,
  followWaiters: 10_000,
  sourceHeartbeatMs: 2_000,
  sourceRetryMs: 1_000,
} as const;
