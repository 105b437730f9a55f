import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Collects all garbage, even if the process was started without --expose-gc. */
export const collectGarbage = runInNewContext('gc') as () => void;
