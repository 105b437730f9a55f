// Kills the daemon 50 times in the middle of thousands of deliveries (`--kills N`): is anything lost, and what comes twice?
import { parseArgs } from 'node:util';
import { killWhileDelivering } from '../support/kill-while-delivering.ts';

const { kills } = parseArgs({ options: { kills: { type: 'string', default: '50' } } }).values;
const tell = (line: string) => process.stdout.write(`${line}\n`);
const { faults, ...result } = await killWhileDelivering({ kills: Number(kills) }, tell);
for (const fault of faults) tell(fault);
tell(JSON.stringify({ ...result, faults: faults.length }));
process.exitCode = faults.length === 0 ? 0 : 1;
