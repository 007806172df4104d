import { Counter, Histogram, type Registry } from 'prom-client';
import type { ActionAnswer } from '@bailiwick/contracts/actions/action';
import { ANSWER_SECONDS, INSTANT_MS } from '@bailiwick/contracts/policy/policy-signals';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import type { Reason } from '@bailiwick/contracts/reason';

/*
 * What decisions and the answers of people indicate about a policy, as this gateway answered them: the same counts as
 * `bailiwick policy signals`, which reads them from the log. `by` states what `name` is: a verb, a class of agents or
 * the code of a rule. The names come from callers, so only the first ones of each kind are labels.
 */

const NAMES = 100;
/** No verb, class or code has this name, since it contains a space. */
const OTHERS = 'all others';
const PLAIN = /^[\w.:/@-]{1,80}$/;

type By = 'verb' | 'class' | 'rule';

/** Counts signals in a registry. */
export class PolicyMetrics {
  private readonly known: Record<By, Set<string>> = { verb: new Set(), class: new Set(), rule: new Set() };
  private readonly decisions: Counter<'by' | 'name' | 'decision'>;
  private readonly overrides: Counter<'name'>;
  private readonly answers: Counter<'by' | 'name' | 'verdict'>;
  private readonly instant: Counter<'by' | 'name'>;
  private readonly emergencies: Counter;
  private readonly seconds: Histogram<'verdict'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.decisions = new Counter({
      name: 'bailiwick_policy_decisions_total',
      help: 'Calls that were denied, or for which a person is asked, by verb and by the code of each reason',
      labelNames: ['by', 'name', 'decision'],
      registers,
    });
    this.overrides = new Counter({
      name: 'bailiwick_policy_overrides_total',
      help: 'Permits that used the approval of a person, by verb',
      labelNames: ['name'],
      registers,
    });
    this.answers = new Counter({
      name: 'bailiwick_approval_answers_total',
      help: 'Requests that people decided, by verb, class and the code of each objection',
      labelNames: ['by', 'name', 'verdict'],
      registers,
    });
    this.instant = new Counter({
      name: 'bailiwick_approvals_instant_total',
      help: 'Approvals within 3 s of the request: the prompt is not read',
      labelNames: ['by', 'name'],
      registers,
    });
    this.emergencies = new Counter({
      name: 'bailiwick_approvals_break_glass_total',
      help: 'Approvals that one person gave alone in an emergency',
      registers,
    });
    this.seconds = new Histogram({
      name: 'bailiwick_approval_answer_seconds',
      help: 'Time from a request to its decision by people',
      labelNames: ['verdict'],
      buckets: [...ANSWER_SECONDS],
      registers,
    });
  }

  /** Counts a decision on a call. Of a permit only its reasons are read, usually one. */
  decided(verb: string, { decision, reasons }: Pick<ActionAnswer, 'decision' | 'reasons'>): void {
    if (decision === 'permit') {
      if (reasons.some(({ code }) => code === 'APPROVED')) this.overrides.inc({ name: this.named('verb', verb) });
      return;
    }
    this.decisions.inc({ by: 'verb', name: this.named('verb', verb), decision });
    for (const code of codesOf(reasons, decision))
      this.decisions.inc({ by: 'rule', name: this.named('rule', code), decision });
  }

  /** Counts the decision of people on a request; one that is still pending is not counted. */
  answered({ status, requestedAt, decidedAt, action, agentClass, breakGlass }: ApprovalView): void {
    if (decidedAt === undefined || (status !== 'approved' && status !== 'denied')) return;
    const verdict = status === 'approved' ? 'approve' : 'deny';
    const ms = Date.parse(decidedAt) - Date.parse(requestedAt);
    this.seconds.observe({ verdict }, ms / 1_000);
    if (breakGlass) this.emergencies.inc();
    const about: [By, string][] = [
      ...(action === undefined ? [] : [['verb', action.verb] as [By, string]]),
      ...(agentClass === undefined ? [] : [['class', agentClass] as [By, string]]),
      ...(action?.codes ?? []).map((code): [By, string] => ['rule', code]),
    ];
    for (const [by, text] of about) {
      const name = this.named(by, text);
      this.answers.inc({ by, name, verdict });
      if (verdict === 'approve' && ms <= INSTANT_MS) this.instant.inc({ by, name });
    }
  }

  private named(by: By, text: string): string {
    const known = this.known[by];
    if (known.has(text)) return text;
    if (known.size >= NAMES || !PLAIN.test(text)) return OTHERS;
    known.add(text);
    return text;
  }
}

/** Returns the codes of the reasons behind a decision, each once. */
function codesOf(reasons: readonly Reason[], decision: 'deny' | 'step-up'): ReadonlySet<string> {
  const codes = new Set<string>();
  for (const { outcome, code, rule, reasons: below } of reasons) {
    if (below && below.length > 0) for (const each of codesOf(below, decision)) codes.add(each);
    else if (outcome === decision) codes.add(code ?? rule);
  }
  return codes;
}
