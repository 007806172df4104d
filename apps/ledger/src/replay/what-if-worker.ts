import { parentPort, workerData } from 'node:worker_threads';
import { CorruptLog } from '@bailiwick/authority/events/follows';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { WithRules, type RuleEvent } from '@bailiwick/authority/revocation/rule-events';
import { Rehearsal } from '@bailiwick/authority/responders/rehearsal';
import { Signals } from '@bailiwick/authority/signals/signals';
import { readBody } from '@bailiwick/authority/state/set-aside';
import { compiledText, type DeployedVersion } from '@bailiwick/authority/state/policies';
import { emptyState } from '@bailiwick/authority/state/state';
import { candidateOf } from '@bailiwick/authority/what-if/candidate';
import { DECIDED, isDecision } from '@bailiwick/authority/what-if/recorded';
import type { UnknownRule } from '@bailiwick/authority/what-if/named-rules';
import { WhatIf } from '@bailiwick/authority/what-if/what-if';
import type { PolicyReach } from '@bailiwick/contracts/policy/policy-diff';
import type { Event } from '@bailiwick/contracts/events/event';
import type { ReplayAnswer, ReplayProgress, ReplayRequest } from '@bailiwick/contracts/replay/replay';
import { Bodies } from '@bailiwick/event-store/postgres/bodies';
import { parseLogName } from '@bailiwick/core/ids';
import { lowerThisThread } from '@bailiwick/platform/priority';
import { judgeConditions } from '@bailiwick/policy/conditions/judge-conditions';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { nearest } from '@bailiwick/policy/problem';
import { judgeUnder } from '@bailiwick/trajectory/sequence-rules';
import { UsedVerbs } from './used-verbs';

export interface WhatIfJob {
  readonly log: string;
  readonly databaseUrl: string;
  readonly request: ReplayRequest;
  /** the last position to read */
  readonly to: number;
  /** the revocation rules of the log, if only one tree is read */
  readonly rules: readonly RuleEvent[];
  /** the deployments of policies in the log, oldest first, if only one tree is read: their rules judge the tree */
  readonly policies?: readonly Pick<DeployedVersion, 'version' | 'position' | 'parts'>[];
  /** the canonical JSON of the bundle that decides instead of the recorded ones */
  readonly candidate?: string;
  /** also returns what the candidate would take from live leases, and from which requests */
  readonly reach?: boolean;
  /** counts the signals from `request.from` on instead of deciding anything again */
  readonly signals?: boolean;
  /** repeats the log for the responders of the candidate, from `request.from` on, instead of deciding anything again */
  readonly responders?: boolean;
}
/** The answer, with the reach of its candidate if it was asked for. */
export type WhatIfAnswer = ReplayAnswer & { readonly reach?: PolicyReach };
export type WhatIfMessage =
  | ({ readonly kind: 'progress' } & ReplayProgress)
  | {
      readonly kind: 'answer';
      readonly answer: WhatIfAnswer | ReturnType<Signals['summary']> | ReturnType<Rehearsal['end']>;
    }
  | { readonly kind: 'unreadable'; readonly detail: string }
  | { readonly kind: 'corrupt'; readonly detail: string };

const DECISIONS = Object.keys(DECIDED);
const report = (message: WhatIfMessage): void => parentPort?.postMessage(message);
const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Replays the events on a thread of the lowest priority. On systems without thread priorities it pauses for as long as it
 * works, so that it uses at most half a core.
 */
async function main(job: WhatIfJob): Promise<void> {
  const { log, databaseUrl, to, rules, policies = [] } = job;
  const lowered = lowerThisThread();
  const bodies = new Bodies(databaseUrl);
  try {
    if (job.responders) return report(await rehearsalOf(bodies, job, lowered));
    if (job.signals) return report({ kind: 'answer', answer: await signalsOf(bodies, job, lowered) });
    const { tenant, n } = parseLogName(log);
    const candidate = job.candidate === undefined ? undefined : candidateOf(job.candidate);
    if (job.candidate !== undefined && !candidate)
      return report({ kind: 'unreadable', detail: 'this release cannot read the policy' });
    const { last } = job.request;
    const from = last === undefined ? job.request.from : await bodies.firstOfLast(log, DECISIONS, last, to);
    const request = { ...job.request, from };
    const judge = judgeUnder(request.change.policy);
    const rulesNow = { judge, judgeConditions, catalog: DEFAULT_CATALOG, defaults: tenantDefaults };
    const state = emptyState(log, tenant, n);
    state.policies.startAfter((policies[0]?.version ?? 1) - 1, DEFAULT_CATALOG);
    const whatIf = new WhatIf(state, request, rulesNow, candidate);
    const used = job.reach ? new UsedVerbs() : undefined;
    const among = new WithRules(await withPolicies(bodies, log, rules, policies));
    for await (const page of bodies.pages({ log, treeId: request.treeId, to })) {
      const started = performance.now();
      let done = 0;
      for (const body of page) {
        const read = readBody(body);
        if (!read.ok) {
          whatIf.passOver(body);
          continue;
        }
        const event = read.value;
        for (const rule of among.before(event.position)) whatIf.take(rule);
        if (isDecision(event) && event.position >= (from ?? 0)) used?.add(event.data);
        whatIf.take(event);
        done = event.position + 1;
      }
      if (done > 0) report({ kind: 'progress', done, total: to + 1 });
      if (!lowered) await rest(performance.now() - started);
    }
    const answer = { ...whatIf.end(), to };
    const unknown = whatIf.unknownRule();
    if (unknown) return report({ kind: 'unreadable', detail: unknownText(unknown) });
    if (!used || !candidate) return report({ kind: 'answer', answer });
    const before = whatIf.recorded.newest;
    const { readReach } = await import('./reach-reader.js'); // a what-if without it starts sooner
    const reach = await readReach({ log, databaseUrl, bodies, before, after: candidate, used: used.pairs() });
    report({ kind: 'answer', answer: { ...answer, reach } });
  } catch (error) {
    if (!(error instanceof CorruptLog)) throw error;
    report({ kind: 'corrupt', detail: error.message });
  } finally {
    await bodies.close();
  }
}

/** Counts the signals of a log. An event that cannot be read is left out. */
async function signalsOf(
  bodies: Bodies,
  { log, request: { from }, to }: WhatIfJob,
  lowered: boolean,
): Promise<ReturnType<Signals['summary']>> {
  const signals = new Signals();
  for await (const page of bodies.pages({ log, from, to })) {
    const started = performance.now();
    for (const body of page) {
      const read = readBody(body);
      if (read.ok) signals.take(read.value);
    }
    if (!lowered) await rest(performance.now() - started);
  }
  return signals.summary();
}

/** Repeats a log for the responders of a candidate. */
async function rehearsalOf(
  bodies: Bodies,
  { log, request: { from = 0 }, to, candidate = '' }: WhatIfJob,
  lowered: boolean,
): Promise<WhatIfMessage> {
  const compiled = compiledText(candidate);
  if (!compiled) return { kind: 'unreadable', detail: 'this release cannot read the policy' };
  const { tenant, n } = parseLogName(log);
  const rehearsal = new Rehearsal(emptyState(log, tenant, n), compiled.responders, from);
  let done = 0;
  for await (const page of bodies.pages({ log, to })) {
    const started = performance.now();
    for (const body of page) rehearsal.take(body);
    done += page.length;
    report({ kind: 'progress', done, total: to + 1 });
    if (!lowered) await rest(performance.now() - started);
  }
  return { kind: 'answer', answer: rehearsal.end() };
}

/** Returns the rules and the events of the deployments, by position. */
async function withPolicies(
  bodies: Bodies,
  log: string,
  rules: readonly RuleEvent[],
  policies: NonNullable<WhatIfJob['policies']>,
): Promise<Event[]> {
  const events: Event[] = [...rules];
  for (const { position, parts } of policies)
    for (const body of await bodies.span(log, position - parts, position)) {
      const read = readBody(body);
      if (read.ok) events.push(read.value);
    }
  return events.sort((a, b) => a.position - b.position);
}

const SHOWN = 12;

/** Describes a rule that a change sets although it was never in force, with the nearest one that was. */
function unknownText({ name, known }: UnknownRule): string {
  const near = nearest(name, known);
  const list = known.slice(0, SHOWN).join(', ') + (known.length > SHOWN ? ` and ${known.length - SHOWN} more` : '');
  const help = near === undefined ? `those that were: ${list === '' ? 'none' : list}` : `did you mean ${near}?`;
  return `change.policy.sequences.${name}: no rule of this name or code was in force where the change applies; ${help}`;
}

// a rejection becomes the 'error' event of the thread
void main(workerData as WhatIfJob);
