import { driveHttp } from './http-driver';
import { driveNats } from './nats-driver';
import type { Job } from './driver';

process.on('message', (job: Job) => {
  (job.kind === 'http' ? driveHttp(job) : driveNats(job)).then(
    (driven) => process.send?.({ ok: true, driven }),
    (error: unknown) => process.send?.({ ok: false, why: (error as Error).message }),
  );
});
