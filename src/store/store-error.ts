/** The database failed to do what it was asked to. Nothing was stored, and the operation may be tried again later. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** The store cannot be opened. The message is one clear line for operators. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}
