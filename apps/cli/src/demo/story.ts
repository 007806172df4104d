import { counted } from '@bailiwick/authority/presentation/text';
import { BailiwickClient, ProblemError, type Granted } from '@bailiwick/client/client';
import type { ActionAnswer } from '@bailiwick/contracts/actions/action';
import { monotonicClock } from '@bailiwick/core/clock';
import type { Credentials } from '../context';
import { bold, dim, green, plain, red, reasonText, treeText, yellow } from '../render';
import { GuardedTools, type CallResult } from './guarded-tools';
import { checkReceipt } from './receipt';
import { makeWorkspace } from './workspace';

export type Print = (line?: string) => void;

/** The participants, each with separate credentials. */
interface Cast {
  readonly orchestrator: BailiwickClient;
  readonly approver: BailiwickClient;
  readonly responder: BailiwickClient;
  readonly analyst: BailiwickClient;
  readonly print: Print;
  readonly tools: GuardedTools;
}
interface Agent {
  readonly name: string;
  readonly client: BailiwickClient;
  readonly grantId: string;
  readonly runId: string;
}

const PURPOSE =
  'Read the documentation and the sources of this repository and write a summary of its structure to docs/SUMMARY.md';
const FILES = [{ type: 'file', match: '**' }];

/**
 * Plays the main job on real input: a lease is requested and approved, three subagents get narrower leases and read and
 * write real files through a real MCP server, and then several agents misbehave. Returns whether the receipt verified.
 */
export async function playStory(credentials: Credentials, print: Print): Promise<boolean> {
  const as = (role: string) => new BailiwickClient({ url: credentials.url, key: credentials.keys[role] as string });
  const workspace = makeWorkspace();
  const tools = await GuardedTools.start(workspace.dir);
  const cast: Cast = {
    orchestrator: as('orchestrator'),
    approver: as('approver'),
    responder: as('responder'),
    analyst: as('analyst'),
    print,
    tools,
  };
  try {
    print(bold('Bailiwick: a maintenance task over a copy of this repository'));
    print(
      dim(
        `workspace ${workspace.dir}, behind a real MCP filesystem server (${(await tools.toolNames()).length} tools)`,
      ),
    );
    const root = await openWithApproval(cast);
    const written = await work(cast, root);
    await widen(cast, root);
    await exfiltrate(cast, root);
    await overspend(cast, root);
    await drift(cast, root);
    await onCall(cast, root);
    return await account(cast, root, written, credentials);
  } finally {
    await tools.stop();
    workspace.remove();
  }
}

function chapter({ print }: Cast, n: number, title: string): void {
  print();
  print(bold(`${n}. ${title}`));
}

async function openWithApproval(cast: Cast): Promise<Agent> {
  const { print } = cast;
  chapter(cast, 1, 'The orchestrator asks for a lease; a person grants it');
  const requested = await cast.orchestrator.openRun({
    agent: {
      class: 'repo-maintenance-agent',
      instance: 'demo-1',
      posture: { model: 'demo', modelVersion: '2026-06', environment: 'demo' },
    },
    requestedBy: 'user:owner@example.com',
    purpose: PURPOSE,
    requireApproval: true,
    grant: {
      actions: { allow: ['file.*', 'email.send'], deny: ['production.*', 'secret.*'], mode: 'execute' },
      resources: [...FILES, { type: 'mailbox', match: '**' }],
      budget: { calls: 200, reads: 180, writes: 10, external: 2, cost: { USD: 500 } },
      time: { ttl: '30m' },
      delegation: { depth: 2, children: 8, classes: ['*'] },
      risk: { ceiling: 'high', approvalFrom: 'high' },
      purpose: { onDrift: { stepUpAt: 0.6, suspendAt: 0.8 } },
    },
  });
  if (!('approval' in requested)) throw new Error('the lease should have required an approval');
  const card = await cast.approver.approval(requested.approval.id);
  print(`   ${yellow('asks')}  ${plain(card.asks)}`);
  for (const line of card.may.slice(0, 6)) print(dim(`         may ${plain(line)}`));
  for (const line of card.mayNot) print(dim(`         may not: ${plain(line)}`));
  const answer = await cast.approver.decide(card.id, 'approve', 'routine documentation work');
  print(`   ${green('approved')} by ${answer.approval.decidedBy ?? 'a person'}`);
  return agentOf(cast, 'orchestrator', answer as unknown as Granted);
}

function agentOf(cast: Cast, name: string, granted: Granted): Agent {
  return { name, client: cast.orchestrator.as(granted.token), grantId: granted.grant.id, runId: granted.run.id };
}

type Lease = Parameters<BailiwickClient['delegate']>[1]['grant'];

/** Delegates a narrower lease with the parent's token; no API key is needed. */
async function hire(cast: Cast, parent: Agent, agentClass: string, task: string, grant: Lease): Promise<Agent> {
  const granted = await parent.client.delegate(parent.grantId, { agent: { class: agentClass }, task, grant });
  cast.print(`   ${green('lease')}  ${agentClass}: ${task} ${dim(granted.grant.id)}`);
  return agentOf(cast, agentClass, granted);
}

/** Returns the ID of the action that wrote the summary. */
async function work(cast: Cast, root: Agent): Promise<string> {
  chapter(cast, 2, 'It hands narrower leases to a reader, a writer and a reviewer; they work');
  const reader = await hire(cast, root, 'reader', 'read the documentation', {
    actions: { allow: ['file.read', 'file.list'] },
    budget: { calls: 40, writes: 0 },
  });
  const writer = await hire(cast, root, 'writer', 'write docs/SUMMARY.md', {
    actions: { allow: ['file.write'] },
    resources: [{ type: 'file', match: 'docs/**' }],
    budget: { calls: 5, writes: 3 },
  });
  const reviewer = await hire(cast, root, 'reviewer', 'review docs/SUMMARY.md', {
    actions: { allow: ['file.read'] },
    resources: [{ type: 'file', match: 'docs/**' }],
    budget: { calls: 10 },
  });
  const listing = showCall(
    cast,
    reader,
    'list_directory .',
    await cast.tools.call(reader.client, reader.grantId, 'list_directory', '.'),
  );
  const readme = showCall(
    cast,
    reader,
    'read package.json',
    await cast.tools.call(reader.client, reader.grantId, 'read_text_file', 'package.json'),
  );
  const entries = (listing ?? '')
    .split('\n')
    .filter((line) => line.startsWith('[DIR]'))
    .map((line) => line.slice(6));
  const name = /"name": "([^"]+)"/.exec(readme ?? '')?.[1] ?? 'this repository';
  showCall(
    cast,
    reader,
    'write docs/x.md',
    await cast.tools.call(reader.client, reader.grantId, 'write_file', 'docs/x.md', { content: 'no' }),
  );
  const content = `# ${name}\n\nTop-level folders:\n\n${entries.map((entry) => `- ${entry}`).join('\n')}\n`;
  const written = await cast.tools.call(writer.client, writer.grantId, 'write_file', 'docs/SUMMARY.md', { content });
  showCall(cast, writer, 'write docs/SUMMARY.md', written);
  showCall(
    cast,
    writer,
    'write package.json',
    await cast.tools.call(writer.client, writer.grantId, 'write_file', 'package.json', { content: '{}' }),
  );
  showCall(
    cast,
    reviewer,
    'read docs/SUMMARY.md',
    await cast.tools.call(reviewer.client, reviewer.grantId, 'read_text_file', 'docs/SUMMARY.md'),
  );
  for (const agent of [reader, writer, reviewer]) await agent.client.complete(agent.runId);
  cast.print(dim('   the three report their work done; their leases end with it'));
  return written.decision.actionId;
}

/** Prints a call and returns the output of the tool. */
function showCall(cast: Cast, agent: Agent, what: string, result: CallResult): string | undefined {
  if (result.done) {
    cast.print(`   ${green('permit')} ${agent.name}: ${what} ${dim(`(${result.text.length} characters came back)`)}`);
    return result.text;
  }
  showDecision(cast, agent, what, result.decision);
  return undefined;
}

function showDecision({ print }: Cast, agent: Agent, what: string, decision: ActionAnswer): void {
  const word =
    decision.decision === 'permit' ? green('permit') : decision.decision === 'deny' ? red('deny  ') : yellow('ask   ');
  print(`   ${word} ${agent.name}: ${what}`);
  const reasons = reasonText(decision.reasons, '          ');
  if (reasons) print(reasons);
}

async function widen(cast: Cast, root: Agent): Promise<void> {
  chapter(cast, 3, 'A child tries to widen its lease');
  const planner = await hire(cast, root, 'planner', 'plan the next step', {
    budget: { calls: 10 },
    delegation: { depth: 1, children: 2, classes: ['helper'] },
  });
  try {
    await planner.client.delegate(planner.grantId, {
      agent: { class: 'helper' },
      task: 'do anything at all',
      grant: { actions: { allow: ['*'] }, budget: { calls: 1_000 }, risk: { ceiling: 'irreversible' } },
    });
    throw new Error('the wider delegation should have been refused');
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== 'GRANT_WIDENS_PARENT') throw error;
    cast.print(`   ${red('refused')} planner → helper: ${error.code}`);
    for (const reason of error.reasons) {
      cast.print(
        dim(
          `          ${plain(reason.path ?? reason.rule)}: has ${short(reason.limit)}, asked ${short(reason.actual)}`,
        ),
      );
    }
  }
}

const short = (value: unknown): string => plain(JSON.stringify(value) ?? '').slice(0, 70);

async function exfiltrate(cast: Cast, root: Agent): Promise<void> {
  chapter(cast, 4, 'One child reads a secret; another tries to send it out');
  const scout = await hire(cast, root, 'scout', 'look through the configuration', {
    actions: { allow: ['file.read'] },
    risk: { ceiling: 'medium' },
  });
  const mailer = await hire(cast, root, 'mailer', 'send a note that the summary is ready', {
    actions: { allow: ['email.send'] },
    budget: { external: 1 },
  });
  showCall(
    cast,
    scout,
    'read config/.env',
    await cast.tools.call(scout.client, scout.grantId, 'read_text_file', 'config/.env'),
  );
  const decision = await mailer.client.act({
    grantId: mailer.grantId,
    action: { verb: 'email.send', args: { to: 'someone@elsewhere.example', body: 'PAYMENT_API_KEY=…' } },
    resource: { type: 'mailbox', id: 'someone@elsewhere.example' },
  });
  showDecision(cast, mailer, 'email.send to someone@elsewhere.example', decision);
}

async function overspend(cast: Cast, root: Agent): Promise<void> {
  chapter(cast, 5, 'One runs out of budget');
  const counter = await hire(cast, root, 'counter', 'count the lines of the documents', {
    actions: { allow: ['file.read'] },
    budget: { calls: 3 },
  });
  for (const path of ['package.json', 'tsconfig.json', 'nest-cli.json', 'jest.config.cjs']) {
    showCall(
      cast,
      counter,
      `read ${path}`,
      await cast.tools.call(counter.client, counter.grantId, 'read_text_file', path),
    );
  }
}

const DRIFT_WAIT_MS = 20_000;

async function drift(cast: Cast, root: Agent): Promise<void> {
  chapter(cast, 6, 'One drifts from its purpose and is suspended by the monitor');
  const wanderer = await hire(cast, root, 'wanderer', 'check the spelling of README.md', {
    actions: { allow: ['file.*'] },
    budget: { calls: 120, reads: 110 },
    purpose: { onDrift: { stepUpAt: 0.3, suspendAt: 0.5 } },
  });
  const paths = await sourceFiles(cast, root);
  const until = monotonicClock.now() + DRIFT_WAIT_MS;
  for (let i = 0; i < paths.length && monotonicClock.now() < until; i++) {
    const result = await cast.tools.call(wanderer.client, wanderer.grantId, 'read_text_file', paths[i] as string);
    if (!result.done) {
      cast.print(dim(`   after ${i} files that the task never named:`));
      showCall(cast, wanderer, `read ${paths[i] as string}`, result);
      break;
    }
  }
  const grant = await cast.analyst.grant(wanderer.grantId);
  cast.print(`   the lease is ${yellow(grant.status)}${grant.endReason ? dim(`: ${plain(grant.endReason)}`) : ''}`);
  if (grant.status !== 'suspended') throw new Error(`the wanderer should be suspended but is ${grant.status}`);
}

/** Returns files from all over the workspace; the task requests none of them. */
async function sourceFiles(cast: Cast, root: Agent): Promise<string[]> {
  const found = await cast.tools.call(root.client, root.grantId, 'search_files', '.', { pattern: '**/*.ts' });
  if (!found.done) throw new Error('the orchestrator should be able to search');
  const lines = found.text.split('\n').filter((line) => line.startsWith(cast.tools.directory));
  return lines
    .map((line) => line.slice(cast.tools.directory.length + 1))
    .filter((_, i) => i % 3 === 0)
    .slice(0, 100);
}

async function onCall(cast: Cast, root: Agent): Promise<void> {
  chapter(cast, 7, 'On call stops every wanderer and every mailer that is left');
  for (const agentClass of ['wanderer', 'mailer']) {
    const preview = await cast.responder.previewRevocation({ agentClass });
    cast.print(
      `   blast radius of class ${agentClass}: ${counted(preview.counts.grants, 'grant')}, ${counted(preview.counts.runs, 'run')}, ${counted(preview.counts.inFlight, 'call')} in flight`,
    );
    const revoked = await cast.responder.revokeAll({
      selector: { agentClass },
      reason: 'left its purpose',
      digest: preview.digest,
    });
    cast.print(
      `   ${red('revoked')} ${revoked.revocationId} ${dim(`one event per log: ${JSON.stringify(revoked.positions)}`)}`,
    );
  }
  cast.print(
    treeText(await cast.analyst.tree((await root.client.run(root.runId)).treeId))
      .split('\n')
      .map((line) => `   ${line}`)
      .join('\n'),
  );
}

async function account(cast: Cast, root: Agent, actionId: string, credentials: Credentials): Promise<boolean> {
  chapter(cast, 8, 'The work is done: the receipt, its custody, and its proof');
  const { position } = await root.client.complete(root.runId);
  return checkReceipt(cast.analyst, { runId: root.runId, position, actionId }, credentials, cast.print);
}
