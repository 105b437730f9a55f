// Kills the daemon 50 times (`--kills N`) during thousands of deliveries. Reports repeated deliveries, and fails if any is lost.
import { parseArgs } from 'node:util';
import { killWhileDelivering } from '../support/kill-while-delivering.ts';

const { kills } = parseArgs({ options: { kills: { type: 'string', default: '50' } } }).values;
const report = (line: string) => process.stdout.write(`${line}\n`);
const { faults, ...result } = await killWhileDelivering({ kills: Number(kills) }, report);
for (const fault of faults) report(fault);
report(JSON.stringify({ ...result, faults: faults.length }));
process.exitCode = faults.length === 0 ? 0 : 1;
