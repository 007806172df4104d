import type { SessionHolder, StoredSession } from '@bailiwick/contracts/sessions/session';
import type { BusReply } from './bus';

interface Held {
  readonly tenant: string;
  readonly holder: SessionHolder;
}
interface Asked {
  readonly digest: string;
  readonly tenant: string;
  readonly holder: SessionHolder;
  readonly ref: string;
  readonly from: Held | { readonly link: string };
}

/** The delegation service as gateways see it: it stores sessions and links, by digest. */
export class SessionStore {
  readonly sessions = new Map<string, Held>();
  readonly links = new Map<string, Held>();
  asked = 0;

  readonly answer = (subject: string, body: never): BusReply => ({
    value: { ok: true, value: this.of(subject, body) },
  });

  private of(subject: string, { digest, tenant, holder, ref, from }: Asked): unknown {
    this.asked += 1;
    switch (subject.split('.').at(-1)) {
      case 'add-session-link':
        this.links.set(digest, { tenant, holder });
        return { expiresAt: LATER };
      case 'start-session': {
        const held = 'link' in from ? this.links.get(from.link) : from;
        if ('link' in from) this.links.delete(from.link);
        if (held) this.sessions.set(digest, held);
        return { session: shown(held) };
      }
      case 'session':
        return { session: shown(this.sessions.get(digest)) };
      case 'end-session':
        return this.sessions.delete(digest);
      case 'end-person-sessions': {
        const ended = [...this.sessions].filter(([, each]) => each.holder.kind === 'person' && each.holder.ref === ref);
        for (const [each] of ended) this.sessions.delete(each);
        return { ended: ended.length };
      }
      default:
        return {};
    }
  }
}

const LATER = '2099-01-01T00:00:00.000Z';
const shown = (held: Held | undefined): StoredSession | null =>
  held ? { ...held, expiresAt: LATER, idleExpiresAt: LATER } : null;
