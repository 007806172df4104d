import type { LogOwner } from '../../apps/delegation/src/log-owner/owner';
import type { Database } from './database';
import { Instance, type Witness } from './instance';
import type { Network } from './network';
import { Process } from './process';
import type { FaultRates } from './fault-rates';
import type { World } from './world';

const MAX_SERVICES = 4;

/** The delegation services. A service that dies is replaced; from time to time one leaves or joins. */
export class Fleet {
  private readonly all: Instance[] = [];
  private started = 0;
  private disbanded = false;

  constructor(
    private readonly world: World,
    private readonly faultRates: FaultRates,
    private readonly database: Database,
    private readonly network: Network,
    private readonly witness: Witness,
  ) {}

  get present(): Instance[] {
    return this.all.filter(({ gone }) => !gone);
  }

  join(): void {
    const { world } = this;
    if (this.disbanded || this.present.length >= MAX_SERVICES) return;
    const process = new Process(world, this.faultRates, `delegation-${++this.started}`);
    process.onDeath(() => world.after(world.random.between(10, 2_500), () => this.join()));
    this.all.push(new Instance(process, this.database.connect(process), this.network, this.witness));
  }

  /** Shuts one service down in order if another one stays. */
  leave(): void {
    const staying = this.present.filter(({ leaving }) => !leaving);
    if (staying.length > 1) this.world.random.pick(staying).leave();
  }

  /** Shuts all services down in order. */
  disband(): void {
    this.disbanded = true;
    for (const each of this.present) each.leave();
  }

  /** Returns the owner that may currently answer for a log. */
  ownerOf(log: string): LogOwner | undefined {
    return this.present.map((each) => each.ownerOf(log)).find((owner) => owner !== undefined);
  }
}
