import { LIMITS } from '@bailiwick/core/limits';

/** Maxima of the boundary. Sizes in bytes, times in milliseconds. */
export const BOUNDARY_LIMITS = {
  // registered servers
  configBytes: 1024 * 1024,
  servers: 100,

  // upstreams
  /** one message of an upstream: a result, or a page of its tools */
  messageBytes: 8 * 1024 * 1024,
  /** members, items, objects and lists of a message of an upstream, and of all JSON in the texts of one result */
  messageValues: 50_000,
  /** levels of lists and objects of a message of an upstream */
  messageDepth: 256,
  connectMs: 30_000,
  listMs: 30_000,
  /** after which a call is aborted, whatever progress it reports */
  callMs: LIMITS.boundaryCallMs,
  /** calls of one upstream at a time */
  callsInFlight: 256,
  /** until a failed upstream is started again */
  retryMs: 1_000,
  stopMs: 2_000,
  /** how long a stop waits for the outcomes of calls: the process is ended 15 s after its signal */
  closingMs: 10_000,
  /** how often the response to one request is taken up again, and the longest wait before */
  resumes: 100,
  resumeMs: 60_000,
  /** pages of tools that are read */
  listPages: 32,
  /** until the definitions of a server are read again */
  definitionsMs: 30_000,
  logLineChars: 2_000,
  /** metadata or a token of an authorization server */
  oauthBytes: 256 * 1024,

  // schemas of tools
  schemaDepth: 32,
  schemaValues: 4_000,
  patternChars: 1_000,
  /** up to which a schema without references, patterns and `uniqueItems` validates any arguments quickly */
  quickSchemaValues: 200,
  /** for the validation of arguments by any other schema, and for its compilation */
  validationMs: 500,
  compileMs: 3_000,
  validatorsKept: 1_000,
  faultKeptMs: 60_000,

  // clients that servers may ask
  /** separate connections to servers, of all clients */
  sessions: 512,
  /** a tenant has at most half of what all share, so that it cannot lock out the others */
  sessionsPerTenant: 256,
  sessionsPerLease: 16,
  sessionIdleMs: 5 * 60_000,
  /** sessions that their clients have ended */
  endedKept: 10_000,
  serverRequestChars: 256 * 1024,
  /** requests of a server to one client at a time */
  askedAtOnce: 16,
  /** how often a request is sent to a server that asks for input */
  inputRounds: 16,
  inputStateChars: 64 * 1024,
  inputKeyChars: 200,
  /** what a stream holds for a client that does not read, until notifications are dropped, bytes */
  unreadBytes: 1024 * 1024,
  /** resources of one stream of notifications, or of one session */
  subscriptions: 100,
  /** streams of one session that belong to no request */
  streamsPerSession: 8,
  /** requests of servers that wait for clients */
  asked: 1_000,
  askedPerTenant: 500,
  askedPerLease: 256,
  /** calls that wait for the input of their clients */
  parked: 1_000,
  parkedPerTenant: 500,
  parkedPerLease: 32,
  parkedMs: 4 * 60_000,
  // calls
  /** a result that is passed on */
  resultBytes: 4 * 1024 * 1024,
  /** nesting of arguments */
  argumentDepth: 64,
  uriChars: 2_000,
  /** a cursor or a state that an agent sends back */
  sealedChars: 16_384,
  /** progress notifications of one call */
  progress: 10_000,
  keepAliveMs: 15_000,
  /** how often the leases of calls in flight are read if no commit is announced */
  liveEveryMs: 500,
  /** after which the question which leases live is asked again */
  liveAnswerMs: 2_000,
  /** until calls that an answer left out are asked about */
  lagMs: 20,
  /** how often a process reports what it enforces, and how long it gathers changes before it does so earlier */
  reportEveryMs: LIMITS.pointReportMs,
  reportGatherMs: 5,
  /** answered denials whose approval a repeated call uses */
  approvalsKept: 10_000,
  reasonsShown: 8,

  // tokens
  tokensKept: 10_000,
  tokenKeptMs: 60_000,
} as const;
