import { z } from 'zod';
import { freeText } from '../primitives';

/*
 * An entry of the section `subjects` maps a type of subject of the AuthZEN API to people: a subject of that type may do
 * what a root lease in the name of that person allows. Without an entry, only grants and runs are subjects.
 */

/** The types that are ours. */
const OURS = ['grant', 'run'];

export const subjectType = z.strictObject({
  type: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_.:-]{0,63}$/, 'must be one word of letters, digits and _ . : -, such as user')
    .refine((type) => !OURS.includes(type), { error: 'grant and run are the types of leases and runs' })
    .describe('The type of the subject: user.'),
  prefix: freeText(80).describe('What precedes the id in the name of the person: "user:" makes ada user:ada.'),
});
export type SubjectType = z.infer<typeof subjectType>;
