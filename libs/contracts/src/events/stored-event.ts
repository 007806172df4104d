/** An event as it is stored in a log. */
export interface StoredEvent {
  /** `<tenant>/<n>` */
  readonly log: string;
  readonly position: number;
  /** `GrantIssued` */
  readonly type: string;
  /** RFC 3339 */
  readonly time: string;
  /** the JSON text exactly as stored */
  readonly body: string;
  /** personal data: JSON text, stored apart from the body; null or absent if there is none or it was erased */
  readonly payload?: string | null | undefined;
}

/** An event without the personal data that is stored apart from it. */
export type EventWithoutPayload = Omit<StoredEvent, 'payload'>;

/** The columns of an event's row that repeat members of its body of the same name; null if the body has no such member. */
export type RepeatedColumns = Readonly<
  Record<'tenant' | 'treeId' | 'runId' | 'grantId' | 'actionId' | 'commandId', string | null>
>;

/** An event with every column of its row. */
export interface StoredRow extends StoredEvent {
  readonly columns: RepeatedColumns;
}
