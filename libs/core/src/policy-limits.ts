import { DAY } from './duration';

/* Limits of a policy bundle, and of what is computed for it. Units as in `limits.ts`. */

export const POLICY_LIMITS = {
  /** files of one bundle, bytes of one file and of all of them */
  files: 64,
  fileBytes: 512 * 1024,
  bytes: 2 * 1024 * 1024,
  fileName: 200,
  /** levels of lists and members, and values in one file */
  depth: 16,
  values: 100_000,
  catalogEntries: 2_000,
  manifests: 1_000,
  /** bundles of permissions that one manifest lists to ask for */
  bundles: 32,
  /** entries of Cedar policies, characters of one, and policies of one bundle */
  conditions: 200,
  conditionChars: 64 * 1024,
  conditionPolicies: 200,
  /** types of subjects that are mapped to people */
  subjects: 16,
  tests: 1_000,
  stepsPerTest: 64,
  pointerSteps: 16,
  rules: 200,
  /** rules about approvals; entries of one of their lists, and people that one of them may require */
  approvals: { rules: 200, list: 200, people: 10 },
  /** the largest bounds of one rule: operators, labels and patterns of one list, examples of each kind, steps of one */
  rule: {
    operators: 16,
    list: 16,
    examples: 16,
    exampleSteps: 64,
    /** steps of one example with their repetitions */
    repeatedSteps: 512,
    /** the largest number that a rule counts to; and for each resource, verb or run separately */
    count: 256,
    countOfEach: 16,
    windowMs: 30 * DAY,
    windowActions: 10_000,
    /** resources, verbs or runs that a rule keeps apart in one tree; beyond them it is stricter */
    keys: 64,
    /** amounts that a sum keeps apart in one tree; beyond them it joins two, and is stricter */
    amounts: 32,
    /**
     * what a rule about the flow of data keeps of one tree: values of results, results that are outstanding, and values
     * that the agent had itself
     */
    flow: { values: 512, open: 64, own: 256 },
    /** characters of a key; a longer one is stored as a digest */
    keyChars: 64,
  },
  /** firings, and honest runs, that one rehearsal of responders lists */
  rehearsedFirings: 1_000,
  /** responders of one bundle: each takes a constant time per event */
  responders: 32,
  /**
   * the largest bounds of one responder: names of one list, the number that it counts to, what it may count apart at
   * one time (the one that was quiet longest is forgotten), its time, and how often it may act within that
   */
  responder: { list: 64, count: 100_000, keys: 1_000, windowMs: 30 * DAY, limit: 100 },
  /** values that the rules of one bundle keep of one tree */
  ruleValues: 8_192,
  /** problems in one report; any further one is counted */
  problems: 100,
  /** bytes of one stored part of a bundle as JSON, so that its event fits; and parts of one bundle */
  partBytes: 12 * 1024,
  parts: 512,
  /** logs whose policy a gateway keeps compiled; another one is fetched again */
  readersKept: 200,
  /** newest deployments that a state lists; older ones are only in the log */
  versionsKept: 1_000,
  versionsPageDefault: 100,
  /** how long a candidate decides next to the policy in force, at most */
  shadowMs: 30 * DAY,
  /** body of a deployment: the files as JSON strings, in which quotes and line ends take two bytes */
  httpBodyBytes: 4 * 1024 * 1024,
  /** duration and heap size of checking a bundle and running its tests, and checks that wait for a thread */
  checkMs: 20_000,
  checkHeapMb: 512,
  checksWaiting: 8,
  checkWaitMs: 20_000,
  /** entries of each list of a comparison of two policies, and the verbs that it compares under live leases */
  diffItems: 200,
  diffVerbs: 500,
  /** decisions that a comparison decides again unless it states their number */
  diffDecisions: 10_000,
  /** live leases and pending requests that it compares, the newest of each */
  diffGrants: 200_000,
  diffApprovals: 10_000,
  /** the newest events that the signals of a policy are counted from, the groups that are listed, and the suggestions */
  signalEvents: 1_000_000,
  signalGroups: 200,
  suggestions: 50,
  /** how far back signals go unless the request states it */
  signalMs: 7 * DAY,
} as const;
