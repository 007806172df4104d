import type { HeldKey } from '@bailiwick/contracts/keys/key';
import type { Bus } from '@bailiwick/messaging/connect';
import { busFailure } from '@bailiwick/messaging/failure';

/** The delegation service as gateways see it: it stores keys, and can be unreachable. */
export class KeyStore {
  reachable = true;
  readonly taken: unknown[] = [];
  readonly used: { id: string; at: string }[] = [];
  reads = 0;
  private version = 0;
  private readonly keys = new Map<string, { version: number; key: HeldKey }>();

  put(...keys: HeldKey[]): void {
    this.version += 1;
    for (const key of keys) this.keys.set(key.id, { version: this.version, key });
  }

  revoke(id: string): void {
    const known = this.keys.get(id);
    if (known) this.put({ ...known.key, revoked: true });
  }

  readonly bus: Pick<Bus, 'request'> = {
    request: (subject, payload) => {
      if (!this.reachable)
        return Promise.resolve({ ok: false, error: busFailure('NO_RESPONDERS', subject, 'unreachable') });
      return Promise.resolve({ ok: true, value: { ok: true, value: this.answer(subject, payload as Asked) } });
    },
  };

  private answer(subject: string, { after = 0, used = [], keys = [] }: Asked): unknown {
    if (subject.endsWith('.take-over-keys')) {
      this.taken.push(...keys);
      for (const { id, tenant, role, digest } of keys as Legacy[])
        if (!this.keys.has(id)) this.put({ id, tenant, role, name: role, revoked: false, secrets: [{ digest }] });
      return {};
    }
    this.reads += 1;
    this.used.push(...used);
    const changed = [...this.keys.values()].filter((each) => each.version > after).map((each) => each.key);
    return { version: this.version, keys: changed, more: false };
  }
}

interface Asked {
  readonly after?: number;
  readonly used?: { id: string; at: string }[];
  readonly keys?: unknown[];
}
type Legacy = { id: string; tenant: string; role: NonNullable<HeldKey['role']>; digest: string };
