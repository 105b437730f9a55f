/** The database failed to carry out an operation. Nothing was stored, and the operation may be retried later. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** The store cannot be opened. The message is a single line for operators. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}
