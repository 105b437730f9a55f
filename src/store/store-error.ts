/** The database did not do what it was asked to do. Nothing of it is stored, and it may be tried again later. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** Why a store cannot be opened. The message is one clear line for an operator. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
}
