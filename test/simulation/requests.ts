import { NO_ARGS } from '@bailiwick/authority/testing/harness';
import { deployment, manifests, meaning } from '@bailiwick/authority/testing/policies';
import type { Answer, Command, CommandOf, CommandType } from '@bailiwick/contracts/commands/command';
import type { Actor } from '@bailiwick/contracts/events/event';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { deriveId } from '@bailiwick/core/derive-id';
import { parseLogName } from '@bailiwick/core/ids';
import { sha256hex } from '@bailiwick/core/digest';
import type { Random } from '../support/random';
import { childGrant, rootGrant } from './leases';

const REFS = ['0', '1'].map((digit) => `ref_${digit.repeat(26)}`);
const CLASSES = ['worker', 'helper', 'stray'];
const PERSON: Actor = { kind: 'person', id: 'ref_person', role: 'approver' };
const SERVICE: Actor = { kind: 'service', id: 'key:orchestrator' };

interface Lease {
  readonly id: string;
  readonly runId: string;
  readonly parentRunId?: string | undefined;
  readonly agentClass?: string | undefined;
}
interface Known {
  readonly grants: Lease[];
  readonly actions: { id: string; runId: string }[];
  /** calls to an agent */
  readonly calls: { id: string; to: string }[];
  readonly approvals: { id: string; call?: CommandOf<'authorize'> }[];
  readonly revocations: string[];
}

/** Manifests that most leases are beyond in something, so that some requests are refused, some ask, and calls are denied. */
const MANIFESTS = manifests(
  { class: 'worker', most: { budget: { calls: 30, cost: { USD: 30 } }, delegation: { depth: 2 } }, beyond: 'ask' },
  { class: 'helper', most: { actions: { deny: ['thing.*'] }, time: { ttl: '2h' } } },
  { class: '*', most: { actions: { mode: 'propose' } } },
);

/** Commands whose answer shows a known grant. */
const CHANGES: ReadonlySet<CommandType> = new Set<CommandType>(['suspend', 'resume', 'renew', 'narrow']);

/**
 * Generates the commands of clients of one log. Commands refer to IDs from earlier answers, and some to unknown IDs.
 * Caps are low enough to be reached.
 */
export class Requests {
  private readonly known: Known = { grants: [], actions: [], calls: [], approvals: [], revocations: [] };
  private made = 0;
  /** the newest version of the policy in an answer */
  private version = 0;

  constructor(
    private readonly log: string,
    private readonly random: Random,
  ) {}

  next(): Command {
    const { grants, actions, approvals, revocations } = this.known;
    if (grants.length === 0) return this.open();
    const kind = this.random.weighted({
      open: 7,
      delegate: 12,
      act: 45,
      serve: this.known.calls.length > 0 ? 5 : 0,
      settle: actions.length > 0 ? 16 : 0,
      complete: 1,
      escalate: 4,
      decide: approvals.length > 0 ? 10 : 0,
      use: approvals.some(({ call }) => call) ? 6 : 0,
      suspend: 2,
      resume: 3,
      renew: 6,
      narrow: 1,
      revoke: 1,
      revokeSelector: 0.8,
      lift: revocations.length > 0 ? 1 : 0,
      budget: 1,
      unbudget: 0.5,
      deploy: 0.7,
      drift: 1,
    });
    return this[kind]();
  }

  /** Drops all but the newest IDs after a long time, in which most of them have ended. */
  forget(): void {
    const { grants, actions, calls, approvals } = this.known;
    for (const all of [grants, actions, calls, approvals]) all.splice(0, all.length - 2);
  }

  /** Returns a revocation of what an operator has previewed. */
  previewed(digest: string, agentClass: string): Command {
    return this.revokeSelector({ agentClass }, { digest, asOf: 0 });
  }

  /** Records the IDs in an answer for later commands. */
  learn(command: Command, answer: Answer): void {
    this.learnVersion(command, answer);
    if (!answer.ok) return;
    const { grants, actions, calls, approvals, revocations } = this.known;
    const value = answer.value as {
      grant?: { id: string; runId: string };
      run?: { parentRunId?: string; agent?: { class: string } };
      approval?: { id: string };
      decision?: string;
      actionId?: string;
      approvalId?: string;
      revocationId?: string;
    };
    if (value.grant && !CHANGES.has(command.type)) {
      const { id, runId } = value.grant;
      grants.push({ id, runId, parentRunId: value.run?.parentRunId, agentClass: value.run?.agent?.class });
    }
    if (value.approval && command.type !== 'decideApproval') approvals.push({ id: value.approval.id });
    if (command.type === 'authorize' && value.decision === 'permit' && value.actionId !== undefined) {
      const runId = grants.find(({ id }) => id === command.grantId)?.runId ?? '';
      actions.push({ id: value.actionId, runId });
      if (command.resource.type === 'agent') calls.push({ id: value.actionId, to: command.resource.id });
    }
    if (command.type === 'authorize' && value.decision === 'step-up' && value.approvalId !== undefined)
      approvals.push({ id: value.approvalId, call: command });
    if (command.type === 'revokeSelector' && value.revocationId !== undefined) revocations.push(value.revocationId);
  }

  private learnVersion(command: Command, answer: Answer): void {
    if (command.type !== 'deployPolicy') return;
    const version = answer.ok ? (answer.value as { version: number }).version : answer.refusal.extra?.current;
    if (typeof version === 'number') this.version = Math.max(this.version, version);
  }

  private make<T extends CommandType>(
    type: T,
    actor: Actor,
    fields: Omit<CommandOf<T>, 'type' | 'log' | 'commandId' | 'actor' | 'requestDigest'>,
  ): Command {
    const n = `${parseLogName(this.log).n}_${String(this.made++).padStart(6, '0')}`;
    const keyed = this.random.chance(0.6);
    const request = JSON.parse(JSON.stringify({ type, log: this.log, actor, ...fields })) as object;
    return {
      ...request,
      commandId: keyed ? `idk_${n}` : `cmd_${n}`,
      ...(keyed ? { requestDigest: `sha256:${sha256hex(JSON.stringify(request))}` } : {}),
    } as Command;
  }

  /** Picks an entry, often one of the newest because they are more likely to be live, or rarely an unknown one. */
  private one<T>(from: readonly T[], none: () => T): T {
    if (from.length === 0 || this.random.chance(0.02)) return none();
    return this.random.chance(0.6)
      ? (from[Math.max(0, from.length - this.random.between(1, 4))] as T)
      : this.random.pick(from);
  }

  private grant(): Lease {
    const { n } = parseLogName(this.log);
    return this.one(this.known.grants, () => ({ id: deriveId('grant', n, 'none'), runId: deriveId('run', n, 'none') }));
  }

  private self(runId: string): Actor {
    return this.random.chance(0.5) ? SERVICE : { kind: 'run', id: runId };
  }

  private open(): Command {
    const { random } = this;
    const words = { salt: 's'.repeat(22), value: { purpose: 'tidy up', requestedBy: 'someone' } };
    return this.make('openRun', SERVICE, {
      agent: { class: random.pick(CLASSES) },
      principalRef: random.pick(REFS),
      purposeRef: random.pick(REFS),
      grant: rootGrant(random),
      ...(random.chance(0.1) ? { requireApproval: true } : {}),
      payload: words,
    });
  }

  private delegate(): Command {
    const { random } = this;
    const parent = this.grant();
    return this.make('delegate', this.self(parent.runId), {
      grantId: parent.id,
      agent: { class: random.pick(CLASSES), ...(random.chance(0.3) ? { instance: random.pick(['one', 'two']) } : {}) },
      purposeRef: random.pick(REFS),
      grant: childGrant(random),
    });
  }

  private act(): Command {
    const { random } = this;
    const grant = this.grant();
    const verb = random.weighted({
      'file.read': 8,
      'file.write': 4,
      'email.send': 2,
      'thing.delete': 2,
      'secret.read': 0.2,
    });
    const cost = random.pick([undefined, undefined, { USD: 1 }, { USD: 3 }, { USD: 6 }]);
    return this.make('authorize', this.self(grant.runId), {
      grantId: grant.id,
      action: { verb, argsDigest: NO_ARGS },
      resource: random.chance(0.12)
        ? { type: 'agent', id: random.pick(CLASSES) }
        : { type: 'file', id: random.pick(['a/b', 'a/c', 'b']) },
      ...(cost ? { cost } : {}),
      ...(random.chance(0.15) ? { units: { tokens: random.pick([1, 3, 6]) } } : {}),
      proof: { vouched: true },
    });
  }

  /** Acts for a call to an agent, mostly under a lease of that agent. */
  private serve(): Command {
    const { calls, grants } = this.known;
    const { id, to } = this.one(calls, () => ({ id: deriveId('action', parseLogName(this.log).n, 'none'), to: '' }));
    const services = grants.filter(({ agentClass }) => agentClass === to);
    const grant = services.length > 0 ? this.random.pick(services) : this.grant();
    return this.make('authorize', this.self(grant.runId), {
      grantId: grant.id,
      action: { verb: this.random.pick(['file.read', 'file.write', 'email.send']), argsDigest: NO_ARGS },
      resource: { type: 'file', id: 'a/b' },
      onBehalfOf: { actionId: id },
      proof: { vouched: true },
    });
  }

  private settle(): Command {
    const action = this.one(this.known.actions, () => ({
      id: deriveId('action', parseLogName(this.log).n, 'none'),
      runId: '',
    }));
    const cost = this.random.pick<Record<string, number> | undefined>([
      undefined,
      undefined,
      undefined,
      {},
      { USD: 1 },
      { USD: 9 },
    ]);
    const units = this.random.chance(0.1) ? { units: { tokens: this.random.pick([0, 2, 7]) } } : {};
    return this.make('settle', SERVICE, {
      actionId: action.id,
      outcome: { status: this.random.chance(0.8) ? 'completed' : 'failed', ...(cost ? { cost } : {}), ...units },
    });
  }

  private complete(): Command {
    const { runId } = this.grant();
    return this.make('completeRun', this.self(runId), { runId });
  }

  private escalate(): Command {
    const { runId } = this.grant();
    const want = this.random.pick<GrantRequest>([
      { budget: { calls: 40 } },
      { budget: { calls: 60, cost: { USD: 80 } } },
    ]);
    return this.make('escalate', this.self(runId), { runId, want });
  }

  private decide(): Command {
    const { id } = this.one(this.known.approvals, () => ({
      id: deriveId('approval', parseLogName(this.log).n, 'none'),
    }));
    return this.make('decideApproval', PERSON, {
      approvalId: id,
      verdict: this.random.chance(0.8) ? 'approve' : 'deny',
    });
  }

  /** Repeats a call with the approval that it requires. */
  private use(): Command {
    const { id, call } = this.random.pick(this.known.approvals.filter((each) => each.call));
    const {
      commandId: _id,
      requestDigest: _digest,
      log: _log,
      type: _type,
      actor,
      ...same
    } = call as CommandOf<'authorize'>;
    return this.make('authorize', actor, { ...same, approvalId: id });
  }

  /** A person, or the run that delegated a lease. */
  private above({ parentRunId }: Lease): Actor {
    return parentRunId !== undefined && this.random.chance(0.5) ? { kind: 'run', id: parentRunId } : PERSON;
  }

  private suspend(): Command {
    const grant = this.grant();
    return this.make('suspend', this.above(grant), { grantId: grant.id, reasonCode: 'LOOK' });
  }

  private resume(): Command {
    const grant = this.grant();
    return this.make('resume', this.above(grant), { grantId: grant.id, reasonCode: 'LOOKED' });
  }

  private renew(): Command {
    const { id, runId } = this.grant();
    return this.make('renew', this.self(runId), { grantId: id });
  }

  private narrow(): Command {
    const narrower = this.random.pick<GrantRequest>([
      { actions: { deny: ['email.*'] } },
      { budget: { calls: 4 } },
      { budget: { writes: 1, cost: { USD: 5 } } },
      { time: { ttl: '1m' } },
      { time: { endsOn: [{ actions: ['thing.delete'] }] } },
    ]);
    const grant = this.grant();
    return this.make('narrow', this.above(grant), { grantId: grant.id, grant: narrower });
  }

  private revoke(): Command {
    const grant = this.grant();
    return this.make('revokeGrant', this.above(grant), { grantId: grant.id });
  }

  private revokeSelector(
    selector: CommandOf<'revokeSelector'>['selector'] = this.random.pick([
      { agentClass: 'stray' },
      { agentClass: 'helper', agentInstance: 'one' },
      { principalRef: REFS[1] as string, purposeRef: REFS[1] as string },
      { tool: 'email.send', agentClass: 'worker' },
    ]),
    previewed?: CommandOf<'revokeSelector'>['previewed'],
  ): Command {
    return this.make('revokeSelector', PERSON, {
      revocationId: deriveId('revocation', parseLogName(this.log).n, `revokeSelector ${this.made}`),
      selector,
      ...(previewed ? { previewed } : { force: true }),
      ...(this.random.chance(0.4) ? { quarantine: true } : {}),
    });
  }

  private lift(): Command {
    return this.make('liftQuarantine', PERSON, { revocationId: this.random.pick(this.known.revocations) });
  }

  private budget(): Command {
    const { random } = this;
    return this.make('setTenantBudget', SERVICE, {
      name: random.pick(['a', 'b', 'c']),
      selector: random.pick([
        {},
        { principalRef: REFS[0] as string },
        { principalRef: REFS[1] as string, agentClass: 'worker' },
        { agentClass: 'helper' },
        { label: 'send:external' },
      ]),
      budget: random.pick<CommandOf<'setTenantBudget'>['budget']>([
        { calls: 60 },
        { writes: 20, cost: { USD: 60 } },
        { windows: [{ per: '2s', calls: 6 }] },
        { windows: [{ per: '1m', cost: { USD: 30 }, writes: 9 }] },
      ]),
      payload: { salt: 's'.repeat(22), value: { principal: 'someone' } },
    });
  }

  private unbudget(): Command {
    return this.make('removeTenantBudget', SERVICE, { name: this.random.pick(['a', 'b', 'c']) });
  }

  /** Deploys a bundle in place of the version that it saw last, which may have been replaced since. */
  private deploy(): Command {
    const { random } = this;
    const effect = random.pick(['read', 'write', 'external'] as const);
    const replaces = Math.max(0, this.version - (random.chance(0.1) ? 1 : 0));
    const bundle = { ...meaning('file.read', effect), ...(random.chance(0.4) ? MANIFESTS : {}) };
    return this.make('deployPolicy', SERVICE, deployment(bundle, replaces));
  }

  private drift(): Command {
    const { runId } = this.grant();
    const score = this.random.pick([0.1, 0.3, 0.3, 0.7, 0.9]);
    return this.make('recordDrift', { kind: 'system', id: 'intent' }, { runId, score, features: [], monitor: 'test' });
  }
}
