const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Every queue, depth, fan-out, lifetime, body and batch has its maximum here, and is refused beyond it where it
 * enters. Lengths are UTF-16 units, sizes bytes, times milliseconds, money minor units.
 */
export const LIMITS = {
  // events and the log
  eventBodyBytes: 16 * 1024,
  payloadBytes: 16 * 1024,
  appendBatchEvents: 4_096,
  snapshotEveryEvents: 25_000,
  /** of a log: the ledger begins with one that is not beyond what it has stored, however far its owner is by then */
  snapshotsKept: 5,
  /** of one stored part of a snapshot */
  snapshotPartChars: 4 * 1024 * 1024,
  readBatchEvents: 5_000,
  /** one statement of the event log */
  databaseMs: 30_000,
  /** one statement that moves all of a log: a finished import, a rebuild */
  databaseLongMs: 30 * MINUTE,
  /** logs without an owner that one heartbeat is told of */
  freeLogs: 1_000,
  eventsPageDefault: 100,
  eventsPageMax: 1_000,
  /** that are read and looked at for one page of a list: what is rare is found over several */
  eventsSeen: 5_000,
  /** positions of a log, or rows, that the database passes over for one page of a list */
  positionsSeen: 50_000,
  /** of a receipt in one envelope; and its bytes, so that it fits into one message: a larger one is made in parts */
  receiptEvents: 10_000,
  receiptBytes: 7 * 1024 * 1024,
  /** of one part of a receipt; and of all parts together, which the ledger holds in memory once to name them */
  receiptPartEvents: 2_000,
  receiptEventsInAll: 200_000,
  /** receipts in parts that a ledger remembers the positions of, so that a part is made without the others */
  receiptsInParts: 8,
  /** of the items of one page, so that it fits into one message */
  pageBytes: 4 * 1024 * 1024,

  /** unreadable events that are shown at once, to who examines them */
  unreadableShown: 100,

  // commands and mailboxes
  commandsPerMessage: 256,
  actionsPerBatch: 50,
  mailboxCommands: 10_000,
  /** for so long one log is decided on at a time; then others that the same process owns have their turn */
  decideTurnMs: 10,
  /** how old a commit that is under way may be, and more is still decided on it */
  decideAheadMs: 100,
  /** commits of one log that come closer upon each other are announced together */
  announceEveryMs: 50,
  /** to one log's owner, taken and not yet answered: messages of commands, and questions */
  messagesPerLog: 256,
  queriesPerLog: 1_000,
  commandTimeoutMs: 10_000,
  /** refolding on demand: one message about it; and how long the ledger lets a message about a verification wait */
  verifyMs: 60_000,
  verifyLookMs: 20_000,
  /** refolds of one log, or readings of its entries, that wait for the one that is done; and for how long */
  foldsWaiting: 4,
  foldWaitMs: 5_000,
  /** questions about trees that ended long ago, of one log, that wait for the one that is being answered */
  archivedTreesWaiting: 100,
  /** so many of these trees are kept, and for so long */
  archivedTreesKept: 4,
  archivedTreeKeptMs: MINUTE,
  /** what-ifs that wait for the one that is being made: of one log, and of all logs for a thread; and for how long */
  replaysWaiting: 4,
  replayWaitMs: 30_000,
  /** for so long one is made, and so much memory of its own it may take */
  replayMs: 10 * MINUTE,
  replayHeapMb: 2_048,
  /** one that nobody asks about any more is given up */
  replayUnaskedMs: 10_000,
  replayPageDefault: 100,
  replayPageMax: 1_000,
  /** changes of grants, and added rules, in one */
  replayChanges: 64,
  /** classes, verbs or trees that are told apart; what is beyond is told together */
  replayGroups: 200,
  idempotencyKeyLength: 255,
  idempotencyMs: DAY,
  /** how long a tree that has ended is kept in the state after its last event: part of the fold, as `FOLD_VERSION` names it */
  endedKeptMs: 10 * MINUTE,
  /** how long the gateway may retry a command that carries no key of the client's */
  internalRetryMs: 2 * MINUTE,

  // erasure
  /** payloads that one statement erases, and trees that it looks through for them */
  erasePayloadsAtOnce: 2_000,
  eraseTreesAtOnce: 500,
  /** for so long an answer waits until all is erased; after that it goes on by itself */
  eraseAnswerMs: 5_000,

  // export and import
  /** of different tenants, at one gateway, at the same time */
  exports: 8,
  logsPerExport: 1_000,
  /** in one request of an import */
  importEventsAtOnce: 1_000,

  // grants
  grantLifetimeMs: 30 * DAY,
  grantDefaultTtlMs: HOUR,
  treeDepth: 64,
  childrenPerGrant: 10_000,
  patternsPerList: 64,
  segmentsPerPattern: 32,
  segmentLength: 128,
  selectorsPerGrant: 64,
  conditionsPerSelector: 8,
  valuesPerCondition: 64,
  /** `*` and `**` in one pattern, and in all patterns of a grant: what comparing two grants costs grows with them */
  wildcardsPerPattern: 8,
  wildcardsPerGrant: 256,
  /** steps of comparing the patterns of two grants in one dimension; a few milliseconds */
  inclusionWork: 20_000,
  windowsPerBudget: 8,
  windowBuckets: 256,
  windowMs: 30 * DAY,
  windowMinMs: 1_000,
  currencies: 8,
  amountMax: 1_000_000_000_000_000,
  classesPerList: 64,
  delegatedSources: 64,

  // actions
  labelsPerAction: 32,
  /** that the rules add to those of the caller: an event holds both */
  labelsAdded: 32,
  attributesPerResource: 32,
  inFlightPerGrant: 1_000,
  /** permits of a tree that may send and have no outcome: one append ends all of them when the tree learns a secret */
  sendingPerTree: 1_000,
  /** in which a permitted call begins; and after that, in which its outcome is reported */
  permitMs: 10 * MINUTE,
  outcomeMs: 10 * MINUTE,
  /** for so long a second report of an outcome is told that it is one; then the action is known to the log alone */
  settledMs: 2 * MINUTE,
  /** for so long after it was given up, what became of a call can still be recorded, charged as it was */
  lateOutcomeMs: HOUR,
  approvalMs: 24 * HOUR,
  approvedUseMs: HOUR,
  /** of one page of what waits for a person: each comes with its words */
  pendingPageMax: 100,
  /** that are looked at for one page: what was revoked waits in vain, and is not listed */
  pendingSeen: 1_000,
  /** cards of one page whose words are read at the same time */
  cardsAtOnce: 8,
  /** lists of what waits, of one log, that wait for the one that is told; and for how long */
  pendingWaiting: 32,
  pendingWaitMs: 4_000,
  pendingApprovalsPerRun: 100,
  /** for so long what a person refused is denied, and not asked about again */
  refusalAppliesMs: 10 * MINUTE,
  /** that one approval covers; and characters of them in its event, beyond which each is told by a digest */
  objections: 256,
  objectionsChars: 6_000,
  /** earlier refusals that a card shows */
  refusalsShown: 5,
  effectsListed: 200,
  /** labels remembered of a tree beside those that rules look for */
  labelsPerTree: 64,

  // what is refused: beyond these nothing is written about it but a count
  refusals: {
    run: { burst: 60, everyMs: 1_000 },
    tree: { burst: 240, everyMs: 250 },
    key: { burst: 3_000, everyMs: 20 },
    tenant: { burst: 6_000, everyMs: 10 },
  },
  /** the counts of one log are written at most so often */
  refusalSummaryMs: 10_000,
  /** runs that have a summary of their own at one time, and what is told apart in one summary; the rest is one count */
  refusalRuns: 16,
  refusalKinds: 16,

  // time
  /** how far behind the newest event a clock may be and still decide */
  clockBackMs: 2_000,

  // events: texts that a decision makes
  reasonLength: 500,
  detailLength: 2_000,
  /** of the limits that a grant holds: they travel in one event's body, with its envelope */
  grantBytes: 16 * 1024 - 3_000,

  // strings
  idLength: 80,
  nameLength: 200,
  textLength: 4_000,
  previewLength: 2_000,
  resourceIdLength: 1_024,

  // revocation
  activeRules: 100_000,
  previewsKept: 1_000,
  previewMs: 15 * MINUTE,
  /** names of classes, and of principals, that one preview lists */
  previewGroups: 1_000,
  /** leases that a walk over the state looks at before decisions are made again */
  walkUnits: 1_000,
  /** walks of one process that take turns; more wait for none of them and are refused */
  walksAtOnce: 64,
  /** leases and requests newer than a preview that a revocation looks at again */
  grownSeen: 20_000,
  sampleSize: 20,

  // witnesses: of our logs, and we of others'
  witnesses: 32,
  /** one request to a witness */
  witnessMs: 10_000,
  /** what it answers */
  witnessAnswerBytes: 64 * 1024,
  /** after what fails, at most so long until the next try */
  witnessBackoffMs: 60_000,
  /** how far ahead a witness's clock may be */
  witnessClockMs: 5 * MINUTE,
  logsWitnessed: 1_000,
  /** a checkpoint that is sent here to be cosigned, with its proof */
  submissionBytes: 64 * 1024,
  /** submissions that wait for the one that is judged */
  submissionsWaiting: 64,

  // HTTP edge
  httpBodyBytes: 256 * 1024,
  /** members, items, objects and lists of one body: schemas and digests look at each of them */
  httpBodyValues: 10_000,
  /** for so long a DPoP proof may be taken, from the earliest time it may be made to the latest */
  dpopProofMs: 2 * MINUTE,
  /** proofs remembered: of all, of one tenant, of one key; and so many of each tenant however many others have */
  dpopProofs: 500_000,
  dpopProofsPerTenant: 100_000,
  dpopProofsPerKey: 20_000,
  dpopProofsAssured: 1_000,
  /** open at one gateway; one more is closed at once */
  httpConnections: 6_000,
  /** for the head of a request, before anything is known of its sender; and for all of it */
  httpHeadMs: 10_000,
  httpRequestMs: 60_000,
  /** dry runs that a gateway writes a line of, in a second; all are counted */
  dryRunLinesPerSecond: 100,
  /** for all of a body, once its head is there */
  httpBodyMs: 20_000,
  /** of bodies that are not complete: of all senders, of a tenant's, of one */
  httpArrivingBytes: 256 * 1024 * 1024,
  httpArrivingBytesPerTenant: 64 * 1024 * 1024,
  httpArrivingBytesPerSender: 16 * 1024 * 1024,
  /** that are being answered at the same time, streams too */
  httpRequests: 4_096,
  httpRequestsPerTenant: 3_072,
  /** for one log, at one gateway, until a message takes them to its owner */
  commandsWaiting: 10_000,
  sseClients: 500,
  sseClientsPerTenant: 200,
  /** what is read ahead for one client */
  ssePageEvents: 200,
  /** how long a client may take nothing before it is cut off */
  sseSlowMs: 15_000,
} as const;
