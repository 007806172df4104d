import { Option, type Command } from 'commander';
import { readFileSync } from 'node:fs';
import { APPROVAL_SCOPES, type ApprovalScope } from '@bailiwick/contracts/approvals/approval-scope';
import { grantRequest, type GrantRequest } from '@bailiwick/contracts/grants/grant';
import { answeredText } from '@bailiwick/contracts/obligations/obligation-text';
import { alikeText, approvalCard, givenText } from '../approval-card';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { readable } from '../names';
import { green, plain, reasonText, red, table, treeText, yellow } from '../render';

/** Parses an option: JSON, or @file. */
function jsonOption(text: string | undefined, what: string): unknown {
  if (text === undefined) return {};
  try {
    return JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text) as unknown;
  } catch (error) {
    throw new UsageError(`${what} is not JSON: ${(error as Error).message}`);
  }
}

function grantOption(text: string | undefined): GrantRequest {
  const parsed = grantRequest.safeParse(jsonOption(text, '--grant'));
  if (parsed.success) return parsed.data;
  throw new UsageError(
    `--grant: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`,
  );
}

const namesIn = (text: string): string[] =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');

const show = (options: GlobalOptions, value: unknown, text: () => string): void =>
  console.log(options.json ? JSON.stringify(value) : text());

export function addActionCommands(program: Command): void {
  addRuns(program);
  addDelegate(program);
  addAct(program);
  addTree(program);
  addApprovals(program);
}

function addRuns(program: Command): void {
  const run = program.command('run').description('open and show runs');
  run
    .command('open')
    .requiredOption('--class <class>', 'agent class')
    .requiredOption('--for <person>', 'requesting person, such as user:owner@example.com')
    .requiredOption('--purpose <text>', 'purpose of the run')
    .option('--instance <name>')
    .option('--grant <json>', 'limits as JSON, or @file')
    .option('--ask', 'require an approval of the lease')
    .action(async (_flags, command: Command) => {
      const options = command.optsWithGlobals<
        GlobalOptions & {
          class: string;
          for: string;
          purpose: string;
          instance?: string;
          grant?: string;
          ask?: boolean;
        }
      >();
      const answer = await clientFor(options, 'orchestrator').openRun({
        agent: { class: options.class, ...(options.instance ? { instance: options.instance } : {}) },
        requestedBy: options.for,
        purpose: options.purpose,
        grant: grantOption(options.grant),
        ...(options.ask ? { requireApproval: true } : {}),
      });
      show(options, answer, () =>
        'approval' in answer
          ? `run ${answer.run.id} waits for approval ${answer.approval.id}`
          : `run   ${answer.run.id}\ngrant ${answer.grant.id}\ntree  ${answer.run.treeId}\ntoken ${answer.token}`,
      );
    });
  run.command('show <run>').action(async (id: string, _flags, command: Command) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const view = await clientFor(options, 'analyst').run(id);
    show(options, view, () =>
      table(
        ['field', 'value'],
        Object.entries(readable(view)).map(([name, value]) => [
          name,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      ),
    );
  });
}

function addDelegate(program: Command): void {
  program
    .command('delegate <grant>')
    .description('open a child run with a narrower lease')
    .requiredOption('--class <class>', 'agent class of the child')
    .requiredOption('--task <text>', 'task of the child')
    .option('--grant <json>', 'limits as JSON, or @file; omitted limits are inherited')
    .action(async (grant: string, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { class: string; task: string; grant?: string }>();
      const answer = await clientFor(options, 'orchestrator').askToDelegate(grant, {
        agent: { class: options.class },
        task: options.task,
        grant: grantOption(options.grant),
      });
      show(options, answer, () =>
        'approval' in answer
          ? `run      ${answer.run.id}\napproval ${answer.approval.id}: a person must approve it first`
          : `run   ${answer.run.id}\ngrant ${answer.grant.id}\ntoken ${answer.token}`,
      );
    });
}

function addAct(program: Command): void {
  program
    .command('act <grant> <verb> <resource>')
    .description('request a decision for one action; resource as type:id')
    .option('--args <json>', 'the arguments as JSON, or @file')
    .option('--effect <effect>')
    .option('--cost <json>', 'e.g. {"USD":150}')
    .option('--units <json>', 'e.g. {"tokens":2000}')
    .option('--approval <id>')
    .option('--on-behalf-of <action>', 'the call in another tree that this service acts for')
    .option(
      '--understands <names>',
      'the obligations that you apply, such as max_rows,redact: a permit with another is denied',
    )
    .option('--done', 'report the action as completed')
    .action(async (grantId: string, verb: string, resource: string, _flags, command: Command) => {
      const options = command.optsWithGlobals<
        GlobalOptions & {
          args?: string;
          effect?: 'read';
          cost?: string;
          units?: string;
          approval?: string;
          onBehalfOf?: string;
          understands?: string;
          done?: boolean;
        }
      >();
      const at = resource.indexOf(':');
      if (at < 1) throw new UsageError('the resource must be type:id, such as repo:acme/clord/readme');
      const client = clientFor(options, 'enforcer');
      const answer = await client.act({
        grantId,
        action: {
          verb,
          ...(options.args ? { args: jsonOption(options.args, '--args') as Record<string, unknown> } : {}),
          ...(options.effect ? { effect: options.effect } : {}),
        },
        resource: { type: resource.slice(0, at), id: resource.slice(at + 1) },
        ...(options.cost ? { cost: jsonOption(options.cost, '--cost') as Record<string, number> } : {}),
        ...(options.units ? { units: jsonOption(options.units, '--units') as Record<string, number> } : {}),
        ...(options.approval ? { approvalId: options.approval } : {}),
        ...(options.onBehalfOf ? { onBehalfOf: { actionId: options.onBehalfOf } } : {}),
        ...(options.understands === undefined ? {} : { understands: namesIn(options.understands) }),
      });
      const must = answeredText(answer.obligations);
      if (answer.decision === 'permit' && options.done) await client.settle(answer.actionId, { status: 'completed' });
      const word = { permit: green('permit'), deny: red('deny'), 'step-up': yellow('step-up') }[answer.decision];
      const reasons = reasonText(answer.reasons);
      show(
        options,
        answer,
        () =>
          `${word} ${answer.actionId}${answer.approvalId ? `\napproval ${answer.approvalId}` : ''}${must.map((text) => `\nmust ${plain(text)}`).join('')}${reasons ? `\n${reasons}` : ''}`,
      );
      if (answer.decision !== 'permit') process.exitCode = 1;
    });
}

function addTree(program: Command): void {
  program
    .command('tree <tree>')
    .description('show a grant tree, now or at an earlier position or time')
    .option('--at <position|time>')
    .action(async (id: string, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { at?: string }>();
      const tree = await clientFor(options, 'analyst').tree(id, options.at);
      show(options, tree, () => treeText(readable(tree)));
    });
}

function addApprovals(program: Command): void {
  const approvals = program.command('approvals').description('list and decide pending approvals');
  approvals.command('list', { isDefault: true }).action(async (_flags, command: Command) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const client = clientFor(options, 'approver');
    const first = await client.pendingApprovals();
    const items = [...first.items];
    const shown = [...readable(first).items];
    for (let { next } = first; next !== null;) {
      const page = await client.pendingApprovals({ cursor: next });
      items.push(...page.items);
      shown.push(...readable(page).items);
      next = page.next;
    }
    show(options, items, () =>
      items.length === 0
        ? 'no pending approvals'
        : table(
            ['approval', 'kind', 'risk', 'asks'],
            shown.map((each) => [each.id, each.kind, each.risk, `${each.asks}${alikeText(each)}`]),
          ),
    );
  });
  approvals.command('show <approval>').action(async (id: string, _flags, command: Command) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const card = await clientFor(options, 'approver').approval(id);
    show(options, card, () => approvalCard(readable(card)));
  });
  for (const verdict of ['approve', 'deny'] as const) {
    approvals
      .command(`${verdict} <approval>`)
      .option('--note <text>')
      .option('--grant <json>', 'approve with less: limits as JSON, or @file; omitted limits are as asked for')
      .addOption(
        new Option('--scope <scope>', 'approve this call once, its verb on its target, or its verb in the run').choices(
          APPROVAL_SCOPES,
        ),
      )
      .option('--break-glass', 'approve alone in an emergency, where the policy permits it; --note states why')
      .action(async (id: string, _flags, command: Command) => {
        const options = command.optsWithGlobals<
          GlobalOptions & { note?: string; grant?: string; scope?: ApprovalScope; breakGlass?: true }
        >();
        const less = options.grant === undefined ? undefined : grantOption(options.grant);
        const { scope, breakGlass } = options;
        const answer = await clientFor(options, 'approver').decide(id, verdict, options.note, less, {
          ...(scope === undefined ? {} : { scope }),
          ...(breakGlass === undefined ? {} : { breakGlass }),
        });
        show(
          options,
          answer,
          () =>
            `${answer.approval.status}${givenText(answer.approval)}${answer.grant ? `\ngrant ${answer.grant.id}\ntoken ${answer.token ?? ''}` : ''}`,
        );
      });
  }
}
