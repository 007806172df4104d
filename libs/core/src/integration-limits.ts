import { MINUTE, DAY } from './duration';

/* Limits of what other systems connect to: MCP servers, webhooks, shared signals. Units as in `limits.ts`. */

export const MCP_LIMITS = {
  toolNameLength: 128,
  /** one definition of a tool, and all of one server, which are one message */
  definitionChars: 64 * 1024,
  definitionsChars: 2 * 1024 * 1024,
  toolsPerServer: 512,
  /** registered over the API, per tenant */
  servers: 100,
  headers: 20,
  /** the settings of a server, and of them an argument, a variable or a header, and the same encrypted */
  serverChars: 64 * 1024,
  settingChars: 8_192,
  sealedChars: 12_288,
} as const;

export const WEBHOOK_LIMITS = {
  perTenant: 20,
  /** dead letters of one webhook; with more, it is disabled */
  deadLetters: 1_000,
  /** attempts of one event before it is a dead letter: together about 70 minutes */
  attempts: 8,
  /** the pause after the first failed attempt, and the longest one */
  firstRetryMs: 1_000,
  longestRetryMs: 30 * MINUTE,
  /** how long every attempt fails before a webhook is disabled */
  failingMs: 3 * DAY,
  /** one attempt, from the start to the end of the head of the response */
  attemptMs: 10_000,
  /** concurrent attempts: of all webhooks, and of those of one tenant */
  inFlight: 32,
  inFlightPerTenant: 4,
  /** how long a former secret signs after a rotation, at most */
  overlapMs: 30 * DAY,
  /** callbacks of requests for access, per tenant, and how long one is kept */
  callbacks: 10_000,
  /** those that were notified: they are read to deliver again */
  notifiedCallbacks: 1_000,
  callbackMs: 30 * DAY,
  callbackStateChars: 1_024,
} as const;

export const SIGNAL_LIMITS = {
  /** configured transmitters */
  transmitters: 32,
  /** one security event token, its events, and characters of the type of one that are recorded */
  setBytes: 32 * 1024,
  eventsPerSet: 8,
  typeChars: 200,
  jtiChars: 500,
  /** mapped subjects of one transmitter, and the identifiers of one subject */
  subjects: 16,
  aliases: 16,
  /** tokens of one poll, size of its response, and the pause after a poll that failed */
  perPoll: 20,
  pollBytes: 1024 * 1024,
  pollRetryMs: 30_000,
  /** the pause before a poll for the tokens that a transmitter has more, and the polls that may fail with one report */
  pollPauseMs: 200,
  pollReports: 3,
  /** the room that transmitters may use: the rest of `suspensionsApplying`, `suspensions` and `activeRules` is for people */
  suspensionsApplying: 75,
  suspensions: 7_500,
  rules: 75_000,
  /** streams to receivers, per tenant; tokens of one poll; and ms between two requests for verification */
  streams: 50,
  sentPerPoll: 100,
  verificationMs: 10_000,
} as const;
