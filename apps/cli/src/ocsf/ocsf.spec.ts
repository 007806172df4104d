import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { parseEvent } from '@bailiwick/contracts/events/event';
import { OCSF_TYPES, ocsfOf, type OcsfEvent } from './ocsf';

const PINNED = resolve(__dirname, '../../../../test/fixtures/events/v4/events.ndjson');
const events = readFileSync(PINNED, 'utf8')
  .trim()
  .split('\n')
  .map((line) => parseEvent((JSON.parse(line) as { body: string }).body));

const text = z.string().min(1);
const anyOf = (...names: string[]) =>
  z.record(z.string(), z.unknown()).refine((object) => names.some((name) => object[name] !== undefined), {
    error: `needs one of ${names.join(', ')}`,
  });

/** The required members of each class, written by hand from OCSF 1.3.0, and the values that its enumerations have. */
const base = {
  activity_name: text.optional(),
  type_uid: z.int(),
  severity_id: z.int().min(1).max(6),
  status_id: z.union([z.literal(1), z.literal(2), z.literal(99)]).optional(),
  status: text.optional(),
  status_detail: text.optional(),
  time: z.int().positive(),
  metadata: z.looseObject({ version: z.literal('1.3.0'), product: z.looseObject({ vendor_name: text, name: text }) }),
  unmapped: z.record(z.string(), z.string()),
};
const actor = anyOf('process', 'user', 'invoked_by', 'session', 'app_name', 'app_uid');
const resources = z.array(anyOf('uid', 'name')).min(1);
const CLASSES: Record<number, z.ZodType> = {
  6003: z.strictObject({
    ...base,
    class_uid: z.literal(6003),
    category_uid: z.literal(6),
    activity_id: z.literal([1, 2, 3, 4, 99]),
    actor,
    api: z.looseObject({ operation: text }),
    src_endpoint: anyOf('ip', 'uid', 'name', 'hostname', 'svc_name', 'instance_uid', 'interface_uid', 'interface_name'),
    resources: resources.optional(),
  }),
  3004: z.strictObject({
    ...base,
    class_uid: z.literal(3004),
    category_uid: z.literal(3),
    activity_id: z.literal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 99]),
    actor,
    entity: anyOf('name', 'uid'),
  }),
  2004: z.strictObject({
    ...base,
    class_uid: z.literal(2004),
    category_uid: z.literal(2),
    activity_id: z.literal([1, 2, 3, 99]),
    finding_info: z.looseObject({ uid: text, title: text }),
    resources,
  }),
};

function faultsOf(mapped: OcsfEvent): unknown {
  const schema = CLASSES[mapped.class_uid as number];
  const faults: unknown[] = schema?.safeParse(mapped).error?.issues ?? (schema ? [] : ['no such class']);
  const { class_uid: classUid, activity_id: activity, type_uid: type } = mapped as Record<string, number>;
  if (type !== classUid! * 100 + activity!) faults.push('type_uid');
  if (activity === 99 && mapped.activity_name === undefined) faults.push('activity_name');
  if (mapped.status_id === 99 && mapped.status === undefined) faults.push('status');
  return faults;
}

describe('ocsfOf', () => {
  const mapped = events.flatMap((event) => {
    const made = ocsfOf(event);
    return made ? [{ event, made }] : [];
  });

  it('maps an event of every type that has a class, and of no other', () => {
    const types = new Set(mapped.map(({ event }) => event.type));
    expect(OCSF_TYPES.filter((type) => !types.has(type))).toEqual([]);
    expect([...types].filter((type) => !OCSF_TYPES.includes(type))).toEqual([]);
    expect(new Set(mapped.map(({ made }) => made.class_uid))).toEqual(new Set([6003, 3004, 2004]));
  });

  it('gives each event the required members of its class, and no other', () => {
    for (const { event, made } of mapped) expect([event.type, faultsOf(made)]).toEqual([event.type, []]);
  });

  it('notices what is missing, so that the test above does', () => {
    const { api: _, ...less } = mapped.find(({ made }) => made.class_uid === 6003)!.made;
    expect(faultsOf(less)).not.toEqual([]);
  });

  it('distinguishes permits, denials and calls that wait for a person', () => {
    const statuses = (type: string) =>
      new Set(mapped.filter(({ event }) => event.type === type).map(({ made }) => made.status_id));
    expect([statuses('ActionPermitted'), statuses('ActionDenied'), statuses('ActionStepUp')]).toEqual([
      new Set([1]),
      new Set([2]),
      new Set([99]),
    ]);
  });

  it('identifies each event by its place in the log', () => {
    const uids = mapped.map(({ made }) => (made.metadata as { uid: string }).uid);
    expect(new Set(uids).size).toBe(uids.length);
    expect(uids[0]).toBe(`${mapped[0]!.event.log}:${mapped[0]!.event.position}`);
  });
});
