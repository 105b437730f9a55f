import { describe, expect, it } from 'vitest';
import { isSameTarget, keyText, targetText } from '../../../src/domain/execution/execution.ts';
import { TARGET, executionId } from '../../support/executions.ts';

describe('two targets', () => {
  it.each([
    ['differ if the account differs', { ...TARGET, accountId: '210987654321' }, false],
    ['differ if the Region differs', { ...TARGET, region: 'us-west-2' }, false],
    ['are the same if only the name differs', { ...TARGET, name: 'renamed' }, true],
  ])('%s', (_, other, isSame) => {
    expect(isSameTarget(TARGET, other)).toBe(isSame);
    expect(targetText(TARGET) === targetText(other)).toBe(isSame);
    const lifecycleExecutionId = executionId(1);
    expect(keyText({ ...TARGET, lifecycleExecutionId }) === keyText({ ...other, lifecycleExecutionId })).toBe(
      isSame,
    );
  });
});
