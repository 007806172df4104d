import { act, ROOMY } from '@bailiwick/authority/testing/harness';
import { RUN_RECEIPT } from '@bailiwick/contracts/receipts/receipt';
import type { EventOf } from '@bailiwick/contracts/events/event';
import { sha256hex } from '@bailiwick/core/digest';
import { custodyOf } from '@bailiwick/receipts/custody';
import { makeStatement } from '@bailiwick/receipts/envelope';
import { KINDS } from '@bailiwick/receipts/kinds';
import { readStory, type StoryEntry } from '@bailiwick/receipts/story';
import { summarise } from '@bailiwick/receipts/summary';
import { brokenAt, prover, SealedLog, signed, VKEY, words } from '@bailiwick/receipts/testing/sealed-log';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { readTraces, type RecordedRun } from '../../apps/cli/src/demo/read-traces';
import { describeCall } from '../../apps/cli/src/demo/trace-tools';
import { itWithShared } from '../support/shared';

/** Runs per log: their receipts are proved in one Merkle tree. */
const PER_LOG = 60;
/** One of this number of consecutive runs is played, which leaves runs of every suite and model. */
const ONE_OF = 3;

/** Plays a recorded run under a separate lease: decides every call and settles every permitted one. */
function play(log: SealedLog, run: RecordedRun): { runId: string; grantId: string; permitted: string[] } {
  const { runId, grantId } = log.open(
    {
      ...ROOMY,
      actions: { allow: ['*'], deny: ['account.password.*'] },
      budget: { calls: 60, reads: 60, writes: 20, external: 20 },
      risk: { ceiling: 'high', approvalFrom: 'irreversible' },
    },
    {
      agent: { class: `${run.suite}-assistant`, instance: run.id },
      payload: words({ purpose: run.goal, requestedBy: 'user:trace@example.com' }),
    },
  );
  const permitted: string[] = [];
  for (const call of run.calls) {
    const { action, resource, labels } = describeCall(call);
    const { args, ...named } = action;
    const argsDigest = `sha256:${sha256hex(JSON.stringify(args))}`;
    const payload = words({ args: { text: JSON.stringify(args).slice(0, 500) } });
    const decision = act(log, grantId, action.verb, { action: { ...named, argsDigest }, resource, labels, payload });
    if (decision.type !== 'ActionPermitted') continue;
    const { actionId } = decision as EventOf<'ActionPermitted'> & { actionId: string };
    permitted.push(actionId);
    log.now += 1_000;
    log.do('settle', {
      actionId,
      outcome: { status: call.error === undefined ? 'completed' : 'failed' },
      payload: words({ preview: (call.error ?? call.result ?? '').slice(0, 200) }),
    });
  }
  log.try('completeRun', { runId, actor: { kind: 'run', id: runId } }); // fails if the run has already exhausted its budget
  return { runId, grantId, permitted };
}

/** Groups the events by run id, as a ledger finds them. */
function byRun(log: SealedLog): Map<string, StoryEntry[]> {
  const found = new Map<string, StoryEntry[]>();
  for (const entry of log.entries()) {
    const runId = entry.event.runId as string;
    found.set(runId, [...(found.get(runId) ?? []), entry]);
  }
  return found;
}

/** Verifies the receipts of these runs and returns the findings. */
function wrongWith(runs: readonly RecordedRun[]): { wrong: string[]; actions: number } {
  const log = new SealedLog();
  const played = runs.map((run) => play(log, run));
  const entries = byRun(log);
  const stored = log.stored();
  const prove = prover(stored.map(({ body }) => body));
  const wrong: string[] = [];
  for (const { runId, grantId, permitted } of played) {
    const chosen = KINDS[RUN_RECEIPT].select(runId, readStory(entries.get(runId) ?? []));
    const story = readStory(chosen);
    const claims = summarise(runId, story);
    const events = chosen.map(({ event: { position } }) => {
      const { body, payload } = stored[position] as (typeof stored)[number];
      return { log: log.state.log, position, body, payload, proof: prove(position) };
    });
    const broken = brokenAt(verifyReceipt(signed(makeStatement(claims, events)), VKEY));
    if (broken) wrong.push(`${runId}: ${broken}`);
    const { calls, reads, writes, external, cost } = log.state.grants.get(grantId)?.usage.committed ?? {};
    expect(claims.spent).toEqual({ calls, reads, writes, external, cost });
    expect(claims.actions.map(({ id }) => id)).toEqual(permitted);
    for (const actionId of permitted) {
      const { links, findings } = custodyOf(actionId, story);
      const chain = links.map(({ link }) => link).join(' ');
      if (findings.length > 0 || chain !== 'principal grant decision outcome')
        wrong.push(`${actionId}: ${chain}; ${findings.join('; ')}`);
    }
  }
  return { wrong, actions: played.reduce((sum, { permitted }) => sum + permitted.length, 0) };
}

describe('receipts of recorded agent runs', () => {
  itWithShared(
    'data/agentdojo.jsonl.gz',
    'verify, have correct sums and show full custody of every action',
    async (file) => {
      const runs = (await readTraces(file)).filter((_run, index) => index % ONE_OF === 0);
      let actions = 0;
      for (let from = 0; from < runs.length; from += PER_LOG) {
        const part = wrongWith(runs.slice(from, from + PER_LOG));
        expect(part.wrong).toEqual([]);
        actions += part.actions;
      }
      expect(runs.length).toBeGreaterThan(1_600);
      expect(actions).toBeGreaterThan(6_000);
    },
    300_000,
  );
});
