import type { PersonNames } from '@bailiwick/contracts/people/person-names';

/** The names of people by tenant and ref, outside the log. `Payloads` erases them. */
export interface PeopleNames {
  /** Returns the recorded names of some refs; null for a name that was erased. */
  of(tenant: string, refs: readonly string[]): Promise<PersonNames>;
  /** Records names. A name that is recorded stays; one that was erased stays erased. */
  record(tenant: string, people: readonly { readonly ref: string; readonly name: string }[]): Promise<void>;
  close(): Promise<void>;
}
