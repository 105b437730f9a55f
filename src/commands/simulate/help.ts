import { FAULT_NAMES, faultKind } from '../../simulator/simulator.ts';

/** The examples and the list of faults at the end of the help. */
export function helpText(): string {
  const width = Math.max(...FAULT_NAMES.map((name) => name.length));
  const faults = FAULT_NAMES.map((name) => {
    const { tells, seconds } = faultKind(name);
    const duration = seconds === undefined ? '' : ` (default: ${seconds} seconds)`;
    return `  ${name.padEnd(width)}  ${tells}${duration}`;
  });
  return `
Examples:
  lifecycle-watcher simulate --port 4566 --executions 10 --seed 1
  lifecycle-watcher simulate --scenario config/scenarios/cancelled-run.yaml
  lifecycle-watcher simulate --control-port 4567
    curl http://127.0.0.1:4567/
    curl http://127.0.0.1:4567/executions
    curl -H 'content-type: application/json' http://127.0.0.1:4567/faults -d '{"name": "throttled", "count": 3}'
    curl -X PUT -H 'content-type: application/json' http://127.0.0.1:4567/choices -d '{"dateShiftSeconds": 86400}'

Faults, for the steps of a scenario and POST /faults:
${faults.join('\n')}`;
}
