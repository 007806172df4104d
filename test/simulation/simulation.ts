import { stateDigest } from '@bailiwick/authority/state/digest';
import type { Event } from '@bailiwick/contracts/events/event';
import { LIMITS } from '@bailiwick/core/limits';
import { isOutcome } from '../properties/ledger';
import { Answers } from './checks/answers';
import { checkAuthority } from './checks/authority';
import { checkBudgets } from './checks/budget';
import { checkFollower, checkSnapshot, refold } from './checks/followers';
import { checkTime } from './checks/time';
import { Clients } from './clients';
import { Database } from './database';
import { Fleet } from './fleet';
import { Follower } from './follower';
import { Network } from './network';
import { randomFaultRates, type FaultRates } from './fault-rates';
import { Violation, World } from './world';

export interface Outcome {
  readonly seed: number;
  /** digest of the history, which lists every step in order */
  readonly digest: string;
  readonly history: readonly string[];
  readonly reached: ReadonlyMap<string, number>;
  readonly events: number;
  readonly failure: Error | undefined;
}

/** Runs one world to its end or to the first violation. The same seed gives the same history. */
export async function simulate(seed: number): Promise<Outcome> {
  const simulation = new Simulation(seed);
  const { world } = simulation;
  await simulation.play().catch((error: unknown) => world.fail(error));
  return {
    seed,
    digest: world.digest(),
    history: world.history,
    reached: world.reached,
    events: simulation.size,
    failure: world.failure,
  };
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

class Simulation {
  readonly world: World;
  private readonly faultRates: FaultRates;
  private readonly logs: readonly string[];
  private readonly database: Database;
  private readonly network: Network;
  private readonly answers: Answers;
  private readonly fleet: Fleet;
  private readonly clients: Clients;
  private readonly followers: Follower[] = [];

  constructor(seed: number) {
    const world = (this.world = new World(seed));
    const faultRates = (this.faultRates = randomFaultRates(world.random));
    this.logs = world.random.chance(0.3) ? ['default/0', 'default/1'] : ['default/0'];
    this.database = new Database(world);
    this.network = new Network(world, faultRates);
    this.answers = new Answers(world, this.database);
    this.fleet = new Fleet(world, faultRates, this.database, this.network, this.answers);
    this.clients = new Clients(world, this.network, this.logs, this.answers);
    this.database.onAppend = (process, log, events) => checkTime(world, process, log, events);
    this.database.onSnapshot = (log, position, state) => checkSnapshot(this.database, log, position, state);
  }

  get size(): number {
    return this.logs.reduce((sum, log) => sum + (this.database.committed.get(log)?.length ?? 0), 0);
  }

  async play(): Promise<void> {
    const { world, logs, database } = this;
    for (const log of logs) await database.create(log);
    for (let i = world.random.between(1, 3); i > 0; i--) this.fleet.join();
    for (const log of logs)
      for (const name of ['one', 'other'])
        this.followers.push(new Follower(world, this.faultRates, database, this.network, log, `${name}-reader-${log}`));
    this.injectFaults();
    for (const jump of [world.random.pick([0, 11 * MINUTE, 2 * HOUR, 25 * HOUR]), 0]) {
      this.clients.start(world.random.between(2, 4));
      await world.run(() => this.clients.working === 0, 10 * MINUTE, "the clients' work");
      if (jump === 0) continue;
      await this.quiet(jump);
      this.clients.forget();
    }
    await this.settle();
  }

  /** Injects faults that do not depend on a call, four times a second. */
  private injectFaults(): void {
    const { world, faultRates } = this;
    const { random } = world;
    if (world.calm) return;
    const now = (perSecond: number): boolean => random.chance(perSecond / 4);
    const processes = [
      ...this.fleet.present.map(({ process }) => process),
      ...this.followers.map(({ process }) => process),
    ];
    if (now(faultRates.stop) && processes.length > 0) {
      world.count('process stopped');
      random.pick(processes).stop(random.pick([300, 1_500, 4_000, 7_000]), random.chance(0.3));
    }
    if (now(faultRates.step) && processes.length > 0) {
      world.count('a clock stepped');
      random.pick(processes).skew = random.pick([-8_000, -8_000, -2_500, -500, 0, 700, 3_000]);
    }
    if (now(faultRates.unavailable)) this.database.interrupt(random.between(200, 3_000));
    if (now(faultRates.move)) random.pick([() => this.fleet.join(), () => this.fleet.leave()])();
    if (now(faultRates.lost)) this.network.mislead(random.pick(this.logs));
    world.after(250, () => this.injectFaults());
  }

  /** Waits until no message is in transit, then lets a long time pass. */
  private async quiet(jump: number): Promise<void> {
    let over = false;
    this.world.after(12_000, () => (over = true));
    await this.world.run(() => over, 13_000, 'the quiet period');
    this.world.jump(jump);
  }

  /** Ends the faults, then checks that every command is answered, every deadline is handled, and all states agree. */
  private async settle(): Promise<void> {
    const { world, logs, database, fleet } = this;
    world.calm = true;
    world.note('calm');
    this.clients.repeatAll();
    await world.run(() => this.clients.working === 0, 2 * MINUTE, 'repeating every command');
    await this.quiet(LIMITS.grantLifetimeMs + HOUR);
    await world.run(
      () => logs.every((log) => fleet.ownerOf(log) && allEnded(database.events(log))),
      2 * MINUTE,
      'ending everything that expires',
    );
    await world.run(
      () => this.followers.every(({ log, kept }) => kept.position === database.events(log).length),
      2 * MINUTE,
      'the followers',
    );
    this.answers.checkAll(this.clients.sent);
    for (const log of logs) {
      const events = database.events(log);
      checkAuthority(events, world);
      checkBudgets(events, world);
      const digest = await this.live(log);
      if (digest !== stateDigest(refold(log, events)))
        throw new Violation(`I10: the live state of ${log} differs from the fold of its events`);
    }
    for (const follower of this.followers) checkFollower(database, follower, world);
    fleet.disband();
    await world.run(() => fleet.present.length === 0, MINUTE, 'shutting down');
  }

  private async live(log: string): Promise<string> {
    let digest: string | undefined;
    this.fleet
      .ownerOf(log)
      ?.read(stateDigest)
      .then((result) => (digest = result))
      .catch((error: unknown) => this.world.fail(error));
    await this.world.run(() => digest !== undefined, MINUTE, 'reading the state');
    return digest as string;
  }
}

/** Reports whether nothing is open: every grant, permit and approval has ended. */
function allEnded(events: readonly Event[]): boolean {
  const open = new Set<string>();
  for (const event of events) {
    if (event.type === 'ActionPermitted') open.add(event.actionId as string);
    if (isOutcome(event)) open.delete(event.actionId as string);
    if (event.type === 'GrantIssued') open.add(event.grantId as string);
    if (ENDS.includes(event.type)) open.delete(event.grantId as string);
    if (event.type === 'ApprovalRequested') open.add(event.data.approvalId);
    if (event.type === 'ApprovalGiven' || event.type === 'ApprovalExpired') open.delete(event.data.approvalId);
  }
  return open.size === 0;
}
const ENDS: readonly Event['type'][] = [
  'GrantExpired',
  'GrantExhausted',
  'GrantRevoked',
  'GrantSuperseded',
  'RunCompleted',
];
