import { z } from 'zod';
import { actor } from '../events/event';
import { ref } from '../primitives';

/** How the change of a key is recorded in its tenant's log: by whom, and with which id, so that it is recorded once. */
export const keyRecording = z.strictObject({
  commandId: z.string().regex(/^cmd_[0-9A-Za-z-]{8,60}$/),
  actor,
  /** the person who holds the key */
  personRef: ref.optional(),
});
export type KeyRecording = z.infer<typeof keyRecording>;
