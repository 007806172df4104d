/** Maxima of every queue, size and wait of the bus. Sizes in bytes, times in milliseconds. */
export const BUS_LIMITS = {
  // messages
  /**
   * also configured in the servers; a larger message is refused here before the server closes the connection over it
   */
  payloadBytes: 8 * 1024 * 1024,
  requestTimeoutMs: 60_000,
  /** requests of one connection that wait for a reply */
  requestsInFlight: 20_000,
  /** accepted and unanswered requests of one subject, unless its server specifies another maximum */
  pendingDefault: 1_000,
  pendingMax: 20_000,

  // the connection
  connectMs: 15_000,
  /** one attempt at one server */
  dialMs: 5_000,
  reconnectDelayMs: 250,
  reconnectJitterMs: 250,
  /** two pings without response end the connection */
  pingEveryMs: 5_000,
  drainMs: 10_000,

  // the event stream: one small message for each commit, kept in the server's memory and not requested later
  streamBytes: 16 * 1024 * 1024,
  streamAgeMs: 10 * 60_000,
  streamDedupeMs: 2 * 60_000,
  streamMessageBytes: 4 * 1024,
  /** unacknowledged announcements of one publisher; followers find the others by polling */
  announceInFlight: 1_024,
  announceAckMs: 5_000,

  // following
  /** events of one read, which form one batch */
  followBatch: 1_000,
  pollMs: 1_000,
  retryFirstMs: 50,
  retryMostMs: 5_000,
  followWaiters: 10_000,
  sourceHeartbeatMs: 2_000,
  sourceRetryMs: 1_000,
} as const;
