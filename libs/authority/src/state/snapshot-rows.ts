import {
  DIMENSIONS,
  OPTIONAL_DIMENSIONS,
  type Consumed,
  type DimensionName,
  type Limits,
} from '@bailiwick/contracts/grants/grant';
import type { ActionNode, CommandNode, GrantNode, RunNode, SettledNode } from './state';
import type { Covered } from './scopes';
import type { Mutable, MutableUsage } from './usage';

/*
 * A log may have a million runs and leases, permits, outcomes and tries, and a new owner waits until all of them are
 * read. They are therefore stored as rows without member names, and refer by number to values in other lines. An absent
 * value is null, or left out at the end.
 */

/**
 * A run. `parent` is the number of an earlier run, whose tree it shares; agent, principal and purpose are shared
 * values.
 */
export type RunRow = [
  id: string,
  parent: number | null,
  treeId: string | null,
  agent: number,
  principalRef: number,
  purposeRef: number,
  startedAt: number,
  position: number,
  status: RunNode['status'],
  approvedBy: string | null,
  endedAt: number | null,
  endReason: string | null,
  drift: number,
  pendingApprovals: number,
  openedBy?: string | null,
  regrants?: readonly [grantId: string, revocationId: string] | null,
  approvers?: readonly string[],
];

const isOptional = (name: DimensionName): boolean => OPTIONAL_DIMENSIONS.some((each) => each === name);
/** The order of limits in a row: those that each lease has, then the others, without the last ones that it lacks. */
const LIMITS_IN_ROW: readonly DimensionName[] = [
  ...DIMENSIONS.filter((name) => !isOptional(name)),
  ...OPTIONAL_DIMENSIONS,
];
const namesIn = (limits: Limits): readonly DimensionName[] =>
  LIMITS_IN_ROW.slice(0, LIMITS_IN_ROW.findLastIndex((name) => !isOptional(name) || limits[name] !== undefined) + 1);

/** A lease. `run` and `parent` are the numbers of a run and of an earlier lease. */
export type GrantRow = [
  id: string,
  run: number,
  parent: number | null,
  depth: number,
  /** in the order of LIMITS_IN_ROW; shared values, except the time, which differs for each lease; null: not limited */
  limits: (number | null | Limits['time'])[],
  notBefore: number,
  expiresAt: number,
  issuedAt: number,
  position: number,
  supersedes: string | null,
  usage: UsageRow,
  status: GrantNode['status'],
  supersededBy: string | null,
  children: number,
  inFlight: number,
  endedAt: number | null,
  endReason: string | null,
  revocationId: string | null,
];

/** A permit without an outcome. `grant` is the number of its lease, which gives its run and tree. */
export type ActionRow = [
  id: string,
  grant: number | [grantId: string, runId: string, treeId: string],
  charge: ConsumedRow,
  permittedAt: number,
  expiresAt: number,
  position: number,
  /** shared value */
  verb: number,
  tool: number | null,
  /** left out, or null, if it equals `expiresAt` */
  outcomeUntil?: number | null,
  /** left out, or null, unless true */
  maySend?: true | null,
  /** the tenant budgets that it draws from: shared value; null or left out if there are none */
  purses?: number | null,
  /** pairs of a depth and a shared value, the key of a scope; null or left out if there are none */
  covered?: number[] | null,
  /** shared value, or null if it has been acted for; left out, or false, if it calls no agent */
  callsAgent?: number | null | false,
  /** left out unless true */
  isOfBoundary?: true,
];
/** An outcome. `run` is the number of its run. */
export type SettledRow = [
  id: string,
  status: SettledNode['status'],
  run: number | string,
  at: number,
  position: number,
  /** left out if there is none */
  latePosition?: number,
];
export type CommandRow = [id: string, first: number, count: number, at: number, requestDigest?: string];

type UsageRow = [
  committed: ConsumedRow,
  reserved: ConsumedRow,
  windows: MutableUsage['windows'],
  /** left out, or null, if the lease has no scopes */
  scopes?: ConsumedRow[] | null,
  /** left out if nothing is set aside for the lease */
  aside?: ConsumedRow,
];
/** money, then units if there are any; 0 if nothing was consumed */
type ConsumedRow =
  0 | [calls: number, reads: number, writes: number, external: number, cost: Mutable['cost'], units?: Mutable['cost']];

/** Assigns numbers to values that many nodes share. */
export interface Numbers {
  numberOf(value: unknown): number;
}

/** Builds the rows of a state: all runs first, then the leases, each in their order, then the other nodes. */
export class Rows {
  private readonly runs = new Map<string, number>();
  private readonly grants = new Map<string, number>();

  constructor(private readonly values: Numbers) {}

  ofRun(run: RunNode): RunRow {
    const { values } = this;
    const parent = numberIn(this.runs, run.parentRunId);
    this.runs.set(run.id, this.runs.size);
    const row: RunRow = [
      run.id,
      parent,
      parent === null ? run.treeId : null,
      values.numberOf(run.agent),
      values.numberOf(run.principalRef),
      values.numberOf(run.purposeRef),
      run.startedAt,
      run.position,
      run.status,
      run.approvedBy ?? null,
      run.endedAt ?? null,
      run.endReason ?? null,
      run.drift,
      run.pendingApprovals,
    ];
    if (run.openedBy !== undefined || run.regrants) row[14] = run.openedBy ?? null;
    if (run.regrants) row[15] = [run.regrants.grantId, run.regrants.revocationId];
    if (run.approvers) {
      row[14] ??= null;
      row[15] ??= null;
      row[16] = run.approvers;
    }
    return row;
  }

  ofGrant(grant: GrantNode): GrantRow {
    const { limits } = grant;
    const run = numberIn(this.runs, grant.runId) as number;
    const parent = numberIn(this.grants, grant.parentId);
    this.grants.set(grant.id, this.grants.size);
    return [
      grant.id,
      run,
      parent,
      grant.depth,
      namesIn(limits).map((name) => {
        const limit = limits[name];
        return limit === undefined ? null : name === 'time' ? limits.time : this.values.numberOf(limit);
      }),
      grant.notBefore,
      grant.expiresAt,
      grant.issuedAt,
      grant.position,
      grant.supersedes ?? null,
      usageRow(grant.usage),
      grant.status,
      grant.supersededBy ?? null,
      grant.children,
      grant.inFlight,
      grant.endedAt ?? null,
      grant.endReason ?? null,
      grant.revocationId ?? null,
    ];
  }

  /** @param grant the lease that the action names */
  ofAction(
    {
      id,
      grantId,
      runId,
      treeId,
      charge,
      permittedAt,
      expiresAt,
      outcomeUntil,
      position,
      verb,
      tool,
      maySend,
      purses,
      covered,
      callsAgent,
      isOfBoundary,
    }: ActionNode,
    grant?: GrantNode,
  ): ActionRow {
    const number = grant?.runId === runId && grant.treeId === treeId ? this.grants.get(grantId) : undefined;
    const call = [this.values.numberOf(verb), tool === undefined ? null : this.values.numberOf(tool)] as const;
    const of = number ?? ([grantId, runId, treeId] as const);
    const row: ActionRow = [id, of as ActionRow[1], rowOf(charge), permittedAt, expiresAt, position, ...call];
    const until = outcomeUntil === expiresAt ? null : outcomeUntil;
    if (isOfBoundary || callsAgent !== undefined || covered || purses !== undefined) {
      row.push(until, maySend || null, purses === undefined ? null : this.values.numberOf(purses));
      const pairs = covered?.flatMap(([depth, key]) => [depth, this.values.numberOf(key)]);
      const calls = typeof callsAgent === 'string' ? this.values.numberOf(callsAgent) : callsAgent;
      if (isOfBoundary) row.push(pairs ?? null, calls === undefined ? false : calls, true);
      else if (calls !== undefined) row.push(pairs ?? null, calls);
      else if (pairs) row.push(pairs);
    } else if (maySend) row.push(until, true);
    else if (until !== null) row.push(until);
    return row;
  }

  ofSettled([id, { status, runId, at, position, latePosition }]: [string, SettledNode]): SettledRow {
    const row: SettledRow = [id, status, this.runs.get(runId) ?? runId, at, position];
    if (latePosition !== undefined) row[5] = latePosition;
    return row;
  }
}

export const commandRow = ([id, { first, count, at, requestDigest }]: [string, CommandNode]): CommandRow =>
  requestDigest === undefined ? [id, first, count, at] : [id, first, count, at, requestDigest];

export const commandOf = ([, first, count, at, requestDigest]: CommandRow): CommandNode => ({
  first,
  count,
  at,
  requestDigest,
});

/** @throws if the id belongs to no earlier row */
function numberIn(numbers: ReadonlyMap<string, number>, id: string | undefined): number | null {
  if (id === undefined) return null;
  const number = numbers.get(id);
  if (number === undefined) throw new Error(`${id} is named before its row`);
  return number;
}

function usageRow({ committed, reserved, windows, scopes, aside }: MutableUsage): UsageRow {
  const row: UsageRow = [rowOf(committed), rowOf(reserved), windows];
  if (aside) row.push(scopes ? scopes.map(rowOf) : null, rowOf(aside));
  else if (scopes) row.push(scopes.map(rowOf));
  return row;
}

function usageOf([committed, reserved, windows, scopes, aside]: UsageRow): MutableUsage {
  const usage = { committed: consumedOf(committed), reserved: consumedOf(reserved), windows };
  if (!scopes && aside === undefined) return usage;
  return {
    ...usage,
    ...(scopes ? { scopes: scopes.map(consumedOf) } : {}),
    ...(aside === undefined ? {} : { aside: consumedOf(aside) }),
  };
}

function rowOf({ calls, reads, writes, external, cost, units }: Consumed): ConsumedRow {
  if (units !== undefined) return [calls, reads, writes, external, cost, units];
  const isNothing = calls + reads + writes + external === 0 && Object.keys(cost).length === 0;
  return isNothing ? 0 : [calls, reads, writes, external, cost];
}

/**
 * Reads the rows back in their order. Ids are taken from the nodes they refer to, so that each id is held once, as
 * after a fold.
 */
export class RowReader {
  private readonly runs: RunNode[] = [];
  private readonly grants: GrantNode[] = [];

  /** @param shared the values that the numbers refer to */
  constructor(private readonly shared: readonly unknown[]) {}

  run(row: RunRow): RunNode {
    const { shared } = this;
    const parent = row[1] === null ? undefined : valueAt(this.runs, row[1]);
    const run: RunNode = {
      id: row[0],
      treeId: parent ? parent.treeId : (row[2] as string),
      parentRunId: parent?.id,
      agent: valueAt(shared, row[3]) as RunNode['agent'],
      principalRef: valueAt(shared, row[4]) as string,
      purposeRef: valueAt(shared, row[5]) as string,
      openedBy: row[14] ?? undefined,
      startedAt: row[6],
      position: row[7],
      status: row[8],
      grantId: undefined,
      approvedBy: row[9] ?? undefined,
      approvers: row[16],
      endedAt: row[10] ?? undefined,
      endReason: row[11] ?? undefined,
      drift: row[12],
      pendingApprovals: row[13],
      ...(row[15] ? { regrants: { grantId: row[15][0], revocationId: row[15][1] } } : {}),
    };
    this.runs.push(run);
    return run;
  }

  grant(row: GrantRow): GrantNode {
    const run = valueAt(this.runs, row[1]);
    const grant: GrantNode = {
      id: row[0],
      treeId: run.treeId,
      runId: run.id,
      parentId: row[2] === null ? undefined : valueAt(this.grants, row[2]).id,
      depth: row[3],
      limits: this.limits(row[4]),
      notBefore: row[5],
      expiresAt: row[6],
      issuedAt: row[7],
      position: row[8],
      supersedes: row[9] ?? undefined,
      usage: usageOf(row[10]),
      status: row[11],
      supersededBy: row[12] ?? undefined,
      children: row[13],
      inFlight: row[14],
      endedAt: row[15] ?? undefined,
      endReason: row[16] ?? undefined,
      revocationId: row[17] ?? undefined,
      checkedEpoch: 0,
      struckBy: undefined,
    };
    this.grants.push(grant);
    run.grantId = grant.id; // the newest grant of a run is its current one
    return grant;
  }

  action([
    id,
    grant,
    charge,
    permittedAt,
    expiresAt,
    position,
    verb,
    tool,
    outcomeUntil,
    maySend,
    purses,
    covered,
    callsAgent,
    isOfBoundary,
  ]: ActionRow): ActionNode {
    const of =
      typeof grant === 'number' ? valueAt(this.grants, grant) : { id: grant[0], runId: grant[1], treeId: grant[2] };
    return {
      id,
      grantId: of.id,
      runId: of.runId,
      treeId: of.treeId,
      verb: valueAt(this.shared, verb) as string,
      tool: tool === null ? undefined : (valueAt(this.shared, tool) as string),
      charge: consumedOf(charge),
      permittedAt,
      expiresAt,
      outcomeUntil: outcomeUntil ?? expiresAt,
      position,
      maySend: maySend === true,
      callsAgent:
        typeof callsAgent === 'number'
          ? (valueAt(this.shared, callsAgent) as string)
          : callsAgent === null
            ? null
            : undefined,
      purses: typeof purses === 'number' ? (valueAt(this.shared, purses) as readonly string[]) : undefined,
      ...(covered ? { covered: this.covered(covered) } : {}),
      ...(isOfBoundary ? { isOfBoundary } : {}),
    };
  }

  private covered(flat: readonly number[]): Covered[] {
    const covered: Covered[] = [];
    for (let i = 0; i + 1 < flat.length; i += 2)
      covered.push([flat[i] as number, valueAt(this.shared, flat[i + 1] as number) as string]);
    return covered;
  }

  settled([, status, run, at, position, latePosition]: SettledRow): SettledNode {
    return { status, runId: typeof run === 'number' ? valueAt(this.runs, run).id : run, at, position, latePosition };
  }

  private limits(stored: GrantRow[4]): Limits {
    const limits: Record<string, unknown> = {};
    for (let i = 0; i < stored.length; i++) {
      const each = stored[i];
      if (each !== null)
        limits[LIMITS_IN_ROW[i] as string] = typeof each === 'number' ? valueAt(this.shared, each) : each;
    }
    return limits as unknown as Limits;
  }
}

/** @throws if nothing has that number: the snapshot is invalid (I11) */
function valueAt<T>(all: readonly T[], number: number): T {
  const one = all[number];
  if (one === undefined) throw new Error(`a row names number ${number} of ${all.length}`);
  return one;
}

function consumedOf(row: ConsumedRow): Mutable {
  if (row === 0) return { calls: 0, reads: 0, writes: 0, external: 0, cost: {} };
  const consumed: Mutable = { calls: row[0], reads: row[1], writes: row[2], external: row[3], cost: row[4] };
  if (row[5] !== undefined) consumed.units = row[5];
  return consumed;
}
