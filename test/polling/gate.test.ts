import { expect, it } from 'vitest';
import { GATE_STATES, Gate } from '../../src/polling/gate.ts';
import { Bell } from '../../src/runtime/bell.ts';
import { NEVER } from '../../src/runtime/abort.ts';
import { createFakeClock } from '../support/fake-clock.ts';

function gateOf({ isConfirmed = true } = {}) {
  const clock = createFakeClock();
  const store = { takesWrites: true };
  const bell = new Bell();
  const ledger = { takesWrites: () => store.takesWrites };
  return { clock, store, bell, gate: new Gate({ ledger, isConfirmed, bell, clock }) };
}

it('a new target is unconfirmed until its account is known, and open from then on', () => {
  const { gate } = gateOf({ isConfirmed: false });
  expect(gate.state).toBe('unconfirmed');
  gate.confirm();
  expect(gate.state).toBe('open');
});

it('the state of a target is the strictest that applies: paused, then unconfirmed, then careful', () => {
  const { gate, store } = gateOf({ isConfirmed: false });
  gate.setReach('careful');
  expect(gate.state).toBe('unconfirmed');
  gate.confirm();
  expect(gate.state).toBe('careful');
  store.takesWrites = false;
  expect(gate.state).toBe('paused');
  store.takesWrites = true;
  gate.setPaused(true);
  expect(gate.state).toBe('paused');
});

it('each state allows the calls of all stricter states', () => {
  const { gate } = gateOf();
  gate.setReach('careful');
  expect(GATE_STATES.filter((state) => gate.allows(state))).toEqual(['paused', 'unconfirmed', 'careful']);
});

it('a pause by an operator is not undone by an older stored value', () => {
  const { gate } = gateOf();
  gate.setPaused(true);
  gate.restorePaused(false);
  expect(gate.isPaused).toBe(true);
});

it('waiting calls continue once the target may be polled again, even if only the store has recovered', async () => {
  const { clock, store, gate } = gateOf();
  let opened = 0;
  store.takesWrites = false;
  gate.setPaused(true);
  const waiting = [gate.untilAllowed('open', NEVER), gate.untilAllowed('open', NEVER)].map((wait) =>
    wait.then(() => (opened += 1)),
  );
  await clock.advance(5000);
  gate.setPaused(false);
  await clock.advance(5000);
  expect(opened).toBe(0);
  store.takesWrites = true;
  await clock.advance(1000);
  await Promise.all(waiting);
  expect(opened).toBe(2);
  expect(clock.sleepers()).toBe(0);
});

it('each change of state wakes the polling loop', async () => {
  const { clock, bell, gate } = gateOf();
  let rings = 0;
  for (const change of [() => gate.setPaused(true), () => gate.setReach('careful'), () => gate.confirm()]) {
    const waiting = bell.wait(clock, Infinity).then(() => (rings += 1));
    change();
    await waiting;
  }
  expect(rings).toBe(3);
});
