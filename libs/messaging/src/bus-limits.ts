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

  // the event stream for subscribers outside: every event, stored in files
  eventStreamBytes: 64 * 1024 * 1024,
  eventStreamAgeMs: 7 * 24 * 60 * 60_000,
  /** of one event type of one log, so that no tenant's events displace those of all others */
  eventStreamPerSubject: 100_000,
  eventStreamDedupeMs: 2 * 60_000,
  eventStreamAckMs: 10_000,
  /** events that are published before the server must acknowledge the last of them */
  eventStreamBatch: 500,
  /** events of one log that are held in memory for publishing; more are read from the log again */
  eventStreamHeld: 2_000,
  /** events before a log's head that are published to a stream that has none of this log */
  eventStreamBackfill: 10_000,
  eventStreamRetryMs: 1_000,
  /** between two questions to the server whether the stream has a consumer */
  eventStreamAskMs: 1_000,
  /** until an event that a subscriber has not acknowledged is delivered again */
  subscriberAckMs: 30_000,
  /** events of one subscriber that may be unacknowledged */
  subscriberPending: 1_000,

  // following
  /** events of one read, which form one batch */
  followBatch: 1_000,
  /** Gathers commits into fewer, larger batches under load; a request for a position ends the wait. */
  gatherMs: 100,
  /** after which followers of one process do not wait for a read that one of them makes for all; each reads for itself */
  sharedReadMs: 50,
  /** events of a batch that is worked on in slices with pauses */
  slicedBatch: 128,
  sliceEvents: 8,
  slicePauseMs: 1,
  /** followers of one process that pause at the same time; beyond, batches are worked on at once */
  slicesPausing: 4,
  /** until a new log is noticed */
  newLogsMs: 500,
  pollMs: 1_000,
  retryFirstMs: 50,
  retryMostMs: 5_000,
  followWaiters: 10_000,
} as const;
