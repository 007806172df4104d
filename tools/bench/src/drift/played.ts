import type { Catalog } from '@bailiwick/authority/matching/catalog/compile';
import { readTraces, type RecordedRun } from '@bailiwick/cli/demo/read-traces';
import { LIMITS } from '@bailiwick/core/limits';
import { WEIGHTS } from '@bailiwick/drift/score';
import { emptyHistory, observe } from '@bailiwick/drift/history';
import type { Call } from '@bailiwick/drift/memory';
import { read } from '@bailiwick/drift/signs';
import { redactedArgs, redactText } from '@bailiwick/edge/redaction';
import { callOfTool } from '@bailiwick/policy/derive/call-of-tool';

/** A recorded run as the monitor sees it: what it measures of each call before the call is made. */
export interface PlayedRun {
  readonly file: string;
  readonly suite: string;
  readonly task: string;
  readonly class: string;
  /** signs of each call, in the order of `SIGNS` */
  readonly calls: readonly (readonly number[])[];
  /** of each call, what the features that are not fitted add to −log(1 − score) */
  readonly others: readonly number[];
  /** indexes of the calls that an injected instruction caused; for the counting alone */
  readonly injected: readonly number[];
  /** the first of them that does more than read; undefined if none does */
  readonly firstEffect: number | undefined;
}

/** Reads and plays the runs of a file: calls by the catalog, arguments and results as masked and cut previews. */
export async function playFile(file: string, name: string, catalog: Catalog): Promise<PlayedRun[]> {
  return (await readTraces(file)).map((run) => playedRun(run, name, catalog));
}

export function playedRun(run: RecordedRun, file: string, catalog: Catalog): PlayedRun {
  const history = emptyHistory();
  const runId = 'run';
  observe(history, { type: 'opened', runId, purpose: run.goal });
  observe(history, { type: 'granted', runId, delegatedSources: [], thresholds: [] });
  const isRead: boolean[] = [];
  const calls: (readonly number[])[] = [];
  const others: number[] = [];
  run.calls.forEach((recorded, index) => {
    const call = callOf(recorded, catalog);
    isRead.push(call.effect === 'read');
    const of = history.runs.get(runId);
    if (!of) throw new Error('the history lost its run');
    calls.push(read(history, of, call).amounts);
    others.push(
      WEIGHTS.reduce(
        (sum, { weight, of: feature }) => sum - Math.log1p(-weight * feature({ run: of, call }).amount),
        0,
      ),
    );
    const actionId = String(index);
    observe(history, { type: 'called', runId, actionId, call, permitted: true, score: 0 });
    observe(history, { type: 'returned', actionId, text: previewOf(recorded), labels: [] });
  });
  const injected = (run.labels?.injectedCalls ?? []).map(([index]) => index).sort((a, b) => a - b);
  return {
    file,
    suite: run.suite,
    task: `${run.suite} ${run.goal}`,
    class: run.class,
    calls,
    others,
    injected,
    firstEffect: injected.find((index) => isRead[index] === false),
  };
}

export function callOf(recorded: RecordedRun['calls'][number], catalog: Catalog): Call {
  const { verb, effects, risk, resource, labels } = callOfTool(recorded, catalog);
  const effect = effects.at(-1) ?? 'write';
  const { args } = redactedArgs(recorded.args);
  return { verb, tool: recorded.tool, effect, risk, resource, labels: labels ?? [], args };
}

export const previewOf = ({ error, result = '' }: RecordedRun['calls'][number]): string =>
  redactText((error ?? result).slice(0, LIMITS.previewLength));
