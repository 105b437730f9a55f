import type { Config } from '../config/schema.ts';

/** Holds the configuration that is in effect now. A reload replaces it. */
export interface LiveConfig {
  config: Config;
}
