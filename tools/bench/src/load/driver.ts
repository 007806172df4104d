import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Driven, HttpJob } from './http-driver';
import type { NatsJob } from './nats-driver';

export type Job = HttpJob | NatsJob;
type Reply = { ok: true; driven: Driven } | { ok: false; why: string };

/** Generates load in a separate process, so that waiting for the contenders does not distort the measurement. */
export class Driver {
  private readonly child: ChildProcess = fork(join(__dirname, 'driver-process.js'), { stdio: ['ignore', 2, 2, 'ipc'] });

  /** @throws the error of the load generator */
  drive(job: Job): Promise<Driven> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('the load generator exited'));
      this.child.once('exit', ended);
      this.child.once('message', (reply: Reply) => {
        this.child.off('exit', ended);
        if (reply.ok) resolve(reply.driven);
        else reject(new Error(reply.why));
      });
      this.child.send(job);
    });
  }

  stop(): void {
    this.child.disconnect();
  }
}
