import { DAY, HOUR, MINUTE } from './duration';
import { ISSUER_LIMITS, KEY_LIMITS, SESSION_LIMITS } from './identity-limits';
import { MCP_LIMITS, SIGNAL_LIMITS, WEBHOOK_LIMITS } from './integration-limits';
import { POLICY_LIMITS } from './policy-limits';

/** How long the gateway waits for the response to a command. The waits within it are shares of it. */
const COMMAND = 10_000;

/**
 * Maxima of every queue, depth, fan-out, lifetime, body and batch. Each is enforced where the value enters the system.
 * Lengths are UTF-16 units, sizes bytes, times milliseconds, money minor units.
 */
export const LIMITS = {
  // events and the log
  eventBodyBytes: 16 * 1024,
  payloadBytes: 16 * 1024,
  appendBatchEvents: 4_096,
  snapshotEveryEvents: 25_000,
  /** per log. The ledger starts from a snapshot no newer than its stored position, even if the owner is far ahead */
  snapshotsKept: 5,
  /** length of one stored part of a snapshot */
  snapshotPartChars: 4 * 1024 * 1024,
  readBatchEvents: 5_000,
  /** time-out of one statement of the event log */
  databaseMs: 30_000,
  /** time-out of one statement that moves a whole log: a finished import, a rebuild */
  databaseLongMs: 30 * MINUTE,
  /** logs without an owner that one heartbeat returns */
  freeLogs: 1_000,
  eventsPageDefault: 100,
  eventsPageMax: 1_000,
  /** events of a tree that the graph of a run reads */
  graphEvents: 10_000,
  /** events read and filtered for one page of a list; rare matches are spread over several pages */
  eventsSeen: 5_000,
  /** positions of a log, or rows, that the database skips for one page of a list */
  positionsSeen: 50_000,
  /** events and bytes of a receipt in one envelope, so that it fits into one message; a larger one is made in parts */
  receiptEvents: 10_000,
  receiptBytes: 7 * 1024 * 1024,
  /** events of one part of a receipt, and of all parts, which the ledger holds in memory once to list them */
  receiptPartEvents: 2_000,
  receiptEventsInAll: 200_000,
  /** how long after the end of a period a log without later events may still receive one of the period */
  periodSettledMs: MINUTE,
  /** receipts in parts whose positions a ledger caches, so that it can make a part without the others */
  receiptsInParts: 8,
  /** total size of the items of one page, so that it fits into one message */
  pageBytes: 4 * 1024 * 1024,

  /** unreadable events shown in one response to the operator */
  unreadableShown: 100,

  // commands and mailboxes
  commandsPerMessage: 256,
  actionsPerBatch: 50,
  mailboxCommands: 10_000,
  /** how long one log is decided on before other logs of the same process get their turn */
  decideTurnMs: 10,
  /** age of an in-flight commit up to which further commands are decided on top of it */
  decideAheadMs: 100,
  /** commits of one log within this interval are announced together */
  announceEveryMs: 50,
  /** unanswered messages at the owner of one log: of commands, and of queries */
  messagesPerLog: 256,
  queriesPerLog: 1_000,
  commandTimeoutMs: COMMAND,
  /** how long the gateway waits for the response to a query, or to a request to the delegation service */
  queryTimeoutMs: COMMAND / 2,
  /** one attempt of either, after which the next may reach another owner */
  attemptMs: (COMMAND * 3) / 10,
  /** how long an owner computes the digest of its state for a query */
  digestMs: COMMAND / 4,
  /** how long the ledger waits for its read models to reach the end of a log, for a request with `commandTimeoutMs` */
  catchUpMs: COMMAND / 2,
  /** how long an owner waits for a drift score, and in it the intent monitor for the events before the call */
  driftMs: COMMAND / 20,
  driftCatchUpMs: (COMMAND * 7) / 200,
  /** verification on demand: time-out of a message about it, and how long the ledger delays the reply to a poll */
  verifyMs: 60_000,
  verifyLookMs: 20_000,
  /** refolds of one log, or reads of its entries, that wait for the running one; and how long they wait */
  foldsWaiting: 4,
  foldWaitMs: COMMAND / 2,
  /** requests for trees of one log that ended long ago, waiting for the running one */
  archivedTreesWaiting: 100,
  /** number of these trees that are cached, and for how long */
  archivedTreesKept: 4,
  archivedTreeKeptMs: MINUTE,
  /** waiting what-ifs, per log and per thread for all logs; and how long they wait */
  replaysWaiting: 4,
  replayWaitMs: 30_000,
  /** duration and heap size of one what-if */
  replayMs: 10 * MINUTE,
  replayHeapMb: 2_048,
  /** a what-if that no client polls for this long is canceled */
  replayUnaskedMs: 10_000,
  /** the last decisions of a log that one what-if selects */
  replayDecisions: 1_000_000,
  replayPageDefault: 100,
  replayPageMax: 1_000,
  /** changes of grants, and added rules, in one what-if */
  replayChanges: 64,
  /** classes, verbs or trees that are counted separately; the rest are counted together */
  replayGroups: 200,
  idempotencyKeyLength: 255,
  idempotencyMs: DAY,
  /**
   * how long the state keeps a tree after its last event once it has ended; part of the fold that `FOLD_VERSION` names
   */
  endedKeptMs: 10 * MINUTE,
  /** how long the gateway may retry a command without an Idempotency-Key of the client */
  internalRetryMs: 2 * MINUTE,

  // MCP servers
  mcp: MCP_LIMITS,

  // webhooks
  webhooks: WEBHOOK_LIMITS,

  // shared signals
  signals: SIGNAL_LIMITS,

  // erasure
  /** payloads that one statement erases, and trees that it searches for them */
  erasePayloadsAtOnce: 2_000,
  eraseTreesAtOnce: 500,
  /** how long a response waits for the erasure to complete; after that it continues in the background */
  eraseAnswerMs: COMMAND / 2,

  // export and import
  /** concurrent exports of different tenants at one gateway */
  exports: 8,
  logsPerExport: 1_000,
  /** events in one request of an import */
  importEventsAtOnce: 1_000,

  // grants
  grantLifetimeMs: 30 * DAY,
  grantDefaultTtlMs: HOUR,
  /** how far ahead `time.renewUntil` may be; `grantLifetimeMs` bounds the lease between two renewals */
  renewalMs: 366 * DAY,
  /** the least by which a renewal extends a lease, unless it reaches its last end: limits the events of one holder */
  renewalMinMs: 1_000,
  /** consecutive denied decisions of a run after which its lease is not renewed */
  renewalDenials: 5,
  /** actions that may end a lease */
  endsPerGrant: 16,
  treeDepth: 64,
  childrenPerGrant: 10_000,
  patternsPerList: 64,
  segmentsPerPattern: 32,
  segmentLength: 128,
  selectorsPerGrant: 64,
  /** entries of `permissions`, and pairs of `deny` with those of all ancestors */
  permissionsPerGrant: 64,
  deniedPairsPerGrant: 32,
  conditionsPerSelector: 8,
  exceptionsPerSelector: 16,
  valuesPerCondition: 64,
  /** `*` and `**` in one pattern, and in all patterns of a grant; the cost of comparing two grants grows with them */
  wildcardsPerPattern: 8,
  wildcardsPerGrant: 256,
  /** steps of comparing the patterns of two grants in one dimension; takes a few milliseconds */
  inclusionWork: 20_000,
  /** the same for the conditions of two grants, in comparisons of 64 values or characters; takes tens of milliseconds */
  conditionWork: 100_000,
  windowsPerBudget: 8,
  verbCapsPerBudget: 16,
  windowBuckets: 256,
  /** calendar periods in the event of one permit; a lease has the windows of its ancestors, so these are few */
  calendarPeriods: 64,
  windowMs: 30 * DAY,
  windowMinMs: 1_000,
  currencies: 8,
  /** caps that the runs of a tenant draw from together; and how many of them one action may draw from */
  tenantBudgets: 1_000,
  tenantBudgetsPerAction: 16,
  /** names of counted units in one budget */
  units: 8,
  amountMax: 1_000_000_000_000_000,
  classesPerList: 64,
  delegatedSources: 64,

  // actions
  labelsPerAction: 32,
  /** labels that the rules add to those of the caller; an event stores both */
  labelsAdded: 32,
  attributesPerResource: 32,
  valuesPerAttribute: 64,
  inFlightPerGrant: 1_000,
  /** permits of a tree that may send and have no outcome; one append ends all of them when the tree learns a secret */
  sendingPerTree: 1_000,
  /** time within which a permitted call starts, and after that, within which its outcome is reported */
  permitMs: 10 * MINUTE,
  /** life of the token of one permitted call */
  actionTokenMs: 30_000,
  outcomeMs: 10 * MINUTE,
  /** how long a repeated report of an outcome is answered as a duplicate; afterwards only the log knows the action */
  settledMs: 2 * MINUTE,
  /** how long after an action was abandoned its outcome can still be recorded; the charge does not change */
  lateOutcomeMs: HOUR,
  approvalMs: 24 * HOUR,
  approvedUseMs: HOUR,
  /** items of one page of pending approvals, each with its payloads */
  pendingPageMax: 100,
  /** pending approvals examined for one page; those that a revocation reached are skipped */
  pendingSeen: 1_000,
  /** cards of one page whose payloads are read concurrently */
  cardsAtOnce: 8,
  /** lists of pending approvals of one log that wait for the running one; and how long they wait */
  pendingWaiting: 32,
  pendingWaitMs: (COMMAND * 4) / 10,
  pendingApprovalsPerRun: 100,
  /** how long a refusal by a person denies the same request without asking again */
  refusalAppliesMs: 10 * MINUTE,
  /** the longest time that a policy may state in its place */
  refusalAppliesMaxMs: DAY,
  /** denials of one log that apply for such a time; beyond them the oldest is dropped */
  coolDowns: 10_000,
  /** objections that one approval covers; and their characters in its event, beyond which each is stored as a digest */
  objections: 256,
  objectionsChars: 6_000,
  /** earlier refusals shown on a card */
  refusalsShown: 5,
  effectsListed: 200,
  /** labels stored for a tree in addition to those that rules use */
  labelsPerTree: 64,

  // refusals: beyond these rates they are counted, not written
  refusals: {
    run: { burst: 60, everyMs: 1_000 },
    tree: { burst: 240, everyMs: 250 },
    key: { burst: 3_000, everyMs: 20 },
    tenant: { burst: 6_000, everyMs: 10 },
  },
  /** interval at which the counts of one log are written at most */
  refusalSummaryMs: 10_000,
  /** runs with a summary each, and kinds counted separately in one summary; the rest are one count */
  refusalRuns: 16,
  refusalKinds: 16,

  // time
  /** how far the clock may be behind the newest event while decisions are made */
  clockBackMs: 2_000,

  // events: texts generated by decisions
  reasonLength: 500,
  detailLength: 2_000,
  /** size of the limits in a grant; one event's body holds them with its envelope */
  grantBytes: 16 * 1024 - 3_000,

  // strings
  idLength: 80,
  nameLength: 200,
  textLength: 4_000,
  previewLength: 2_000,
  /** values of the arguments and of the result of one call whose flow is followed, the characters of each, and those of a text that is searched for them */
  valuesPerCall: 64,
  valuesPerResult: 256,
  valueChars: 8,
  valueCharsMax: 1_024,
  valueTextChars: 64 * 1024,
  resourceIdLength: 1_024,

  /** different people whose approvals one run has had; of more, the first ones */
  runApprovers: 256,

  /** groups of one caller, and the length of all their names: every event of the caller has them */
  actorGroups: 64,
  actorGroupsChars: 1_500,
  /** runs of a person in one page, each with its lease */
  mineMax: 50,

  /** names of people in one message */
  namesAtOnce: 1_000,
  /** people whose name a gateway knows to be recorded */
  namesRecorded: 10_000,

  // keys and issuers
  /** the longest life of an assertion by which an OAuth client authenticates */
  clientAssertionMs: 300_000,
  keys: KEY_LIMITS,
  sessions: SESSION_LIMITS,
  issuers: ISSUER_LIMITS,

  /** longest life of an identity assertion; a used one is remembered for `idempotencyMs` */
  assertionMs: HOUR,

  // obligations
  obligations: {
    /** of a catalog entry or a rule, of a lease or a manifest, and of one decision */
    perList: 16,
    perLease: 32,
    perDecision: 32,
    /** fields of one obligation */
    fields: 256,
    /** the obligations of one lease, and of one decision, as JSON */
    bytes: 4 * 1024,
    /** names that an enforcement point states with a request */
    understood: 32,
  },

  // searches of the AuthZEN API
  authzen: {
    /** results of one page; and those of a page whose request states no limit */
    page: 100,
    pageDefault: 50,
    /** decisions that one page makes; a page is short if most of its candidates are denied */
    decisions: 200,
    decisionsAtOnce: 10,
    /** candidates in one answer of the owner of a log, and leases that it reads for them */
    candidates: 100,
    leasesVisited: 100_000,
    /** calls of a tree whose resources a search of resources knows */
    callsSeen: 1_000,
    /** leases of one person that an evaluation tries */
    leasesOfPerson: 16,
    token: 4_000,
    /** how long a denial may be submitted as a request for access, and when its task is read again, s */
    requestableMs: 10 * MINUTE,
    pollSeconds: 5,
  },

  // policy
  policy: POLICY_LIMITS,

  // revocation
  /** selectors combined in one, itself included; and its JSON, which one event holds */
  selectorParts: 32,
  selectorBytes: 8 * 1024,
  /** consequences in one page of the record of a revocation */
  revocationPage: 1_000,
  /** suspensions and quarantines in one page of those that apply */
  inForcePage: 100,
  activeRules: 100_000,
  /** suspensions by selector that apply to a log at one time; each costs every decision a look-up */
  suspensionsApplying: 100,
  /** suspensions by selector of a log in all */
  suspensions: 10_000,
  /**
   * suspensions that responders make in a log within an hour, together; the share of `suspensionsApplying` and of
   * `suspensions` that they leave to people is the other half
   */
  responderSuspensions: 20,
  responderSuspensionsMs: HOUR,
  /** firings of responders that wait for their event; any further one is counted */
  respondersPending: 1_000,
  /** a firing without its event is forgotten at the first event after this time: it is history */
  responderLateMs: 10 * MINUTE,
  /** newest selectors that responders prepared, whose digest a revocation may name */
  responderPrepared: 100,
  previewsKept: 1_000,
  previewMs: 15 * MINUTE,
  /** class and principal names that one preview lists */
  previewGroups: 1_000,
  /** leases that a preview visits before pending decisions are made: about a millisecond */
  previewUnits: 250,
  /** trees, runs and near class names that one preview lists */
  previewTop: 10,
  /** leases that a walk over the state visits before pending decisions are made */
  walkUnits: 1_000,
  /** walks of one process that take turns; any further walk is refused at once */
  walksAtOnce: 64,
  walksOfLogAtOnce: 16,
  /** leases and requests newer than a preview that a revocation checks again */
  grownSeen: 20_000,
  sampleSize: 20,
  /** leases whose calls in flight an enforcement point asks about at a time */
  liveAtOnce: 1_000,
  /** calls of a denied tool that an owner lists in one answer; of further ones, it lists the leases */
  deniedCallsShown: 10_000,
  /** root leases that a page of proposals after a revocation lists, or that one request grants again */
  regrantsPage: 50,
  /** consequences of a revocation among which the leases of such a request are looked for */
  regrantsSeen: 100_000,
  /** root leases that were granted again, of which a log remembers that they were */
  regrantsKept: 100_000,
  /** after which an enforcement point that cannot hear the feed aborts its calls; longer than a log changes its owner */
  unheardMs: 5_000,
  /** how often an enforcement point reports if nothing changes */
  pointReportMs: 1_000,
  /** after which an enforcement point that is silent gives its place to another, if there is no other place */
  pointKeptMs: 10 * MINUTE,
  /** enforcement points that one gateway lists, logs in one report, and changes of an epoch that it remembers for each */
  points: 100,
  pointLogs: 500,
  pointReportChars: 512 * 1024,
  /** enforcement points that are no longer listed, whose earlier reports are not taken again */
  formerPoints: 1_000,
  /** how often enforcement points are asked about a log while any request waits for them */
  epochAskedMs: 200,
  /** revocations whose aborted calls an enforcement point counts for each log, and in one report */
  abortsReported: 64,
  abortsPerReport: 4_096,
  /** after which the boundary aborts a call, whatever progress it reports */
  boundaryCallMs: 5 * MINUTE,
  epochsKept: 100,
  /** how long a request waits for the reports of enforcement points */
  effectWaitMs: COMMAND,

  // witnesses: of our logs, and this installation as a witness of others
  witnesses: 32,
  /** time-out of one request to a witness */
  witnessMs: 10_000,
  /** size of a witness's response */
  witnessAnswerBytes: 64 * 1024,
  /** maximum delay before the next attempt after a failure */
  witnessBackoffMs: 60_000,
  /** how far a witness's clock may be ahead */
  witnessClockMs: 5 * MINUTE,
  logsWitnessed: 1_000,
  /** size of a checkpoint submitted for cosigning, with its proof */
  submissionBytes: 64 * 1024,
  /** submissions that wait for the running one */
  submissionsWaiting: 64,

  // HTTP edge
  httpBodyBytes: 256 * 1024,
  /** members, items, objects and lists of one body; schemas and digests process each of them */
  httpBodyValues: 10_000,
  /** validity of a DPoP proof, from the earliest to the latest time it may be made */
  dpopProofMs: 2 * MINUTE,
  /** how long an accepted proof is remembered, so that gateways whose clocks differ refuse it, too */
  dpopProofKeptMs: 2 * MINUTE + 10_000,
  /** proofs remembered: in total, per tenant, per key; and the number that each tenant has regardless of the others */
  dpopProofs: 500_000,
  dpopProofsPerTenant: 100_000,
  dpopProofsPerKey: 20_000,
  dpopProofsAssured: 1_000,
  /** open connections at one gateway; any further one is closed at once */
  httpConnections: 6_000,
  /** time for the head of a request, when its sender is still unknown; and for the whole request */
  httpHeadMs: 10_000,
  httpRequestMs: 60_000,
  /** dry runs per second that a gateway logs; all are counted */
  dryRunLinesPerSecond: 100,
  /** time for the whole body after the head has arrived */
  httpBodyMs: 20_000,
  /** bytes of incomplete bodies: of all senders, of a tenant's, of one */
  httpArrivingBytes: 256 * 1024 * 1024,
  httpArrivingBytesPerTenant: 64 * 1024 * 1024,
  httpArrivingBytesPerSender: 16 * 1024 * 1024,
  /** requests in progress, including streams */
  /** requests to the OAuth endpoints whose sender is not known yet, in total and per address: apart from all others */
  oauthRequests: 512,
  oauthRequestsPerAddress: 128,
  httpRequests: 4_096,
  httpRequestsPerTenant: 3_072,
  /** commands for one log, at one gateway, until a message takes them to its owner */
  commandsWaiting: 10_000,
  sseClients: 500,
  sseClientsPerTenant: 200,
  /** events read ahead for one client */
  ssePageEvents: 200,
  /** how long a client may accept no data before it is disconnected */
  sseSlowMs: 15_000,
} as const;
