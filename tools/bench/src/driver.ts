import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Driven, HttpJob } from './http-driver';
import type { NatsJob } from './nats-driver';

export type Job = HttpJob | NatsJob;
type Told = { ok: true; driven: Driven } | { ok: false; why: string };

/** The load comes from a process of its own: one that also waits for the contenders would measure itself. */
export class Driver {
  private readonly child: ChildProcess = fork(join(__dirname, 'driver-process.js'), { stdio: ['ignore', 2, 2, 'ipc'] });

  /** @throws what went wrong in the driver */
  drive(job: Job): Promise<Driven> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('the load generator ended'));
      this.child.once('exit', ended);
      this.child.once('message', (told: Told) => {
        this.child.off('exit', ended);
        if (told.ok) resolve(told.driven);
        else reject(new Error(told.why));
      });
      this.child.send(job);
    });
  }

  stop(): void {
    this.child.disconnect();
  }
}
