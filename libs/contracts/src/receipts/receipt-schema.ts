import { z } from 'zod';
import { PARTED, PREDICATES, type PartedType, type PredicateType } from './receipt';

const WHERE = 'https://bailiwick.dev/schemas/';

/** The JSON Schemas (2020-12) of the predicate types, by the name under which each is published: `receipt-v1.json`. */
export const RECEIPT_SCHEMAS: ReadonlyMap<string, Record<string, unknown>> = new Map(
  (Object.keys({ ...PREDICATES, ...PARTED }) as (PredicateType | PartedType)[]).map((type) => {
    const { schema: name, statement } = { ...PREDICATES, ...PARTED }[type];
    const schema = z.toJSONSchema(statement.shape.predicate, { io: 'output', unrepresentable: 'any' });
    return [
      name,
      {
        ...schema,
        $id: WHERE + name,
        title: `Predicate of an in-toto statement of type ${type}`,
        description:
          'Every claim follows from `events`: each holds the stored body of one event of the log, its payload (`payload`), and a C2SP tlog-proof. Positions and ids are those of the log; amounts are in minor units.',
      },
    ];
  }),
);
