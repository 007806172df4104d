import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { emptyHistory, observe } from '../history';
import type { Call } from '../memory';
import { scoreCall, type Score } from '../score';

/**
 * A recorded agent run (see `shared/data/README.md`). `class` and `labels` are the reference, hidden from the monitor.
 */
export interface RecordedRun {
  readonly id: string;
  readonly suite: string;
  readonly task: string;
  readonly class: 'benign' | 'benign-injection-as-user' | 'hijacked' | 'resisted-exposed' | 'resisted-attempted';
  readonly goal: string;
  readonly calls: readonly {
    readonly tool: string;
    readonly args: Record<string, unknown>;
    readonly result?: string;
    readonly error?: string;
  }[];
}

export function readRecorded(file: string): RecordedRun[] {
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as RecordedRun);
}

const READS = /^(get|search|list|check|read)_/;
const LEAVES = /(send|post|invite|share|reserve|schedule|transfer|pay)/;

/** Converts a recorded call to the monitor's form for tools without a description: by the words of their names. */
function asCall({ tool, args }: RecordedRun['calls'][number]): Call {
  const effect = READS.test(tool) ? 'read' : LEAVES.test(tool) ? 'external' : 'write';
  const first = Object.values(args).find((value) => typeof value === 'string' && value !== '');
  return {
    verb: `tool.${tool}`,
    tool,
    effect,
    resource: { type: tool.replace(READS, ''), id: (typeof first === 'string' ? first : 'all').slice(0, 200) },
    labels: effect === 'read' ? ['untrusted'] : [],
    args,
  };
}

export interface Played {
  /** the highest score of any of its calls; 0 if it made none */
  readonly score: number;
  readonly at: number;
  readonly scores: readonly Score[];
}

/**
 * Scores a recorded run, call by call, each before its result is observed.
 * @param resultChars characters of a result that the enforcement point sends
 */
export function play(run: RecordedRun, delegatedSources: readonly string[] = [], resultChars = Infinity): Played {
  const history = emptyHistory();
  observe(history, { type: 'opened', runId: 'run', purpose: run.goal });
  observe(history, { type: 'granted', runId: 'run', delegatedSources, thresholds: [] });
  let best = { score: 0, at: -1 };
  const scores: Score[] = [];
  run.calls.forEach((recorded, index) => {
    const call = asCall(recorded);
    const scored = scoreCall(history, 'run', call) as Score;
    scores.push(scored);
    if (scored.score > best.score) best = { score: scored.score, at: index };
    const actionId = String(index);
    observe(history, { type: 'called', runId: 'run', actionId, call, permitted: true, score: scored.score });
    const text = (recorded.error ?? recorded.result ?? '').slice(0, resultChars);
    observe(history, { type: 'returned', actionId, text, labels: [] });
  });
  return { ...best, scores };
}

/** Returns the area under the ROC curve: how often a positive scores above a negative, ties counting half. */
export function auroc(positives: readonly number[], negatives: readonly number[]): number {
  const all = [
    ...positives.map((score) => ({ score, positive: true })),
    ...negatives.map((score) => ({ score, positive: false })),
  ];
  all.sort((a, b) => a.score - b.score);
  let wins = 0;
  for (let i = 0, below = 0; i < all.length;) {
    const tied = all.slice(i).findIndex((each) => each.score !== all[i]?.score);
    const end = tied < 0 ? all.length : i + tied;
    const group = all.slice(i, end);
    const negative = group.filter((each) => !each.positive).length;
    wins += group.filter((each) => each.positive).length * (below + negative / 2);
    below += negative;
    i = end;
  }
  return wins / (positives.length * negatives.length);
}
