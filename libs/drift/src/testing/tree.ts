import { emptyHistory, observe, type Observation } from '../history';
import type { Call, History } from '../memory';
import { scoreCall, type Score } from '../score';

/** A tree's history driven by a test: each call is scored, then observed. */
export class TestTree {
  readonly history: History = emptyHistory();
  private actions = 0;

  see(observation: Observation): this {
    observe(this.history, observation);
    return this;
  }

  open(
    runId: string,
    goal: { purpose?: string; task?: string; parentRunId?: string; delegatedSources?: string[] },
  ): this {
    const { delegatedSources = [], ...rest } = goal;
    return this.see({ type: 'opened', runId, ...rest }).see({
      type: 'granted',
      runId,
      delegatedSources,
      thresholds: [0.6, 0.85],
    });
  }

  /** Returns the score that a call would have now. */
  score(runId: string, wanted: Partial<Call>): Score {
    const score = scoreCall(this.history, runId, callOf(wanted));
    if (!score) throw new Error(`unknown run ${runId}`);
    return score;
  }

  /** Performs a permitted call and observes its result. */
  do(runId: string, wanted: Partial<Call>, result?: string): Score {
    const call = callOf(wanted);
    const score = this.score(runId, call);
    const actionId = `act_${this.actions++}`;
    this.see({ type: 'called', runId, actionId, call, permitted: true, score: score.score });
    this.see({ type: 'returned', actionId, text: result, labels: [] });
    return score;
  }
}

export const callOf = (wanted: Partial<Call>): Call => ({
  verb: 'file.read',
  effect: 'read',
  resource: { type: 'file', id: 'a.txt' },
  labels: [],
  ...wanted,
});

export const webGet = (url: string): Partial<Call> => ({
  verb: 'web.get',
  resource: { type: 'web', id: url },
  labels: ['untrusted'],
  args: { url },
});
export const mailTo = (to: string, body: string): Partial<Call> => ({
  verb: 'email.send',
  effect: 'external',
  resource: { type: 'mailbox', id: to },
  args: { to, body },
});
export const amountOf = (score: Score, name: string): number =>
  score.features.find((feature) => feature.name === name)?.contribution ?? 0;
