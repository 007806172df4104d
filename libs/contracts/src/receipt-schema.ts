import { z } from 'zod';
import { PARTED, PREDICATES, type PartedType, type PredicateType } from './receipt';

const WHERE = 'https://bailiwick.dev/schemas/';

/** The JSON Schema (2020-12) of what each predicate type claims, by the name it is published under: `receipt-v1.json`. */
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
          'Every claim follows from `events`: each holds the body of one event of the log as it is stored, what stands beside it (`payload`), and a C2SP tlog-proof. Positions and ids are those of the log; amounts are in minor units.',
      },
    ];
  }),
);
