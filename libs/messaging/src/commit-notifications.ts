import { err, ok, type Result } from '@bailiwick/core/result';
import { fromMessage, toMessage, type Announcement } from './commit-message';
import { natsOf, type Bus } from './connect';
import type { EventSource } from './log-follower/follow-log';
import { eventSubject } from './subjects';

/**
 * Announces a commit to the followers inside the installation, over plain NATS. A notification carries no event and can be
 * lost: followers read the log, whether notified or not.
 * @returns the reason if it was not sent; it need not be retried
 */
export function announceCommit(bus: Bus, commit: Announcement): Result<void, string> {
  if (bus.status().state !== 'connected') return err('not connected');
  try {
    const { subject, headers, payload } = toMessage(commit);
    natsOf(bus).nats.publish(subject, payload, { headers });
    return ok(undefined);
  } catch (error) {
    return err((error as Error).message);
  }
}

/**
 * Notifies a follower of the commits of a log. It needs only the permission to subscribe. A poll of the log finds commits
 * whose notification was lost.
 */
export function subjectSource(bus: Bus): EventSource {
  return {
    subscribe: (log, sink) => {
      const { nats } = natsOf(bus);
      const subscription = nats.subscribe(eventSubject(log), {
        callback: (error, msg) => {
          if (error) return; // not permitted: the bus reports it; the follower polls
          const commit = fromMessage(msg);
          if (commit) sink.head(commit.next);
        },
      });
      const unlisten = bus.onEvent((event) => {
        if (event.type === 'connected') sink.gap();
      });
      // covers commits before the server registered the subscription
      nats.flush().then(
        () => sink.gap(),
        () => undefined, // the connection is lost: `connected` follows
      );
      return {
        stop: async () => {
          unlisten();
          if (!nats.isClosed()) subscription.unsubscribe();
        },
      };
    },
  };
}
