import { isMembers, mapShape } from './model.ts';
import { UNPUBLISHED_STATUS } from './timeline.ts';

export const REWRITES = [
  'empty-object',
  'null-members',
  'truncated',
  'iso-timestamp',
  'missing-status',
  'other-id',
  'unknown-status',
] as const;
/** A way to corrupt a good answer. */
export type Rewrite = (typeof REWRITES)[number];

/** Returns the JSON text of an answer with the output shape, corrupted. */
export function rewriteJson(outputShape: string, text: string, rewrite: Rewrite): string {
  if (rewrite === 'truncated') return text.slice(0, Math.ceil(text.length / 2));
  return JSON.stringify(rewritten(outputShape, JSON.parse(text), rewrite));
}

function rewritten(outputShape: string, answer: unknown, rewrite: Exclude<Rewrite, 'truncated'>): unknown {
  switch (rewrite) {
    case 'empty-object':
      return {};
    case 'null-members':
      return isMembers(answer) ? Object.fromEntries(Object.keys(answer).map((name) => [name, null])) : answer;
    case 'iso-timestamp':
      return mapShape(outputShape, answer, (_name, { type }, value) =>
        type === 'timestamp' ? new Date(Number(value) * 1000).toISOString() : value,
      );
    case 'missing-status':
      return mapShape(outputShape, answer, (name, _shape, value) =>
        name === 'LifecycleExecutionStatus' ? undefined : value,
      );
    case 'other-id':
      return mapShape(outputShape, answer, (name, _shape, value) =>
        name === 'LifecycleExecutionId' ? otherId(String(value)) : value,
      );
    case 'unknown-status':
      return mapShape(outputShape, answer, (name, _shape, value) =>
        name === 'LifecycleExecutionStatus' ? UNPUBLISHED_STATUS : value,
      );
  }
}

/** Returns an id that differs in its last digit. */
function otherId(id: string): string {
  return id.slice(0, -1) + (id.endsWith('0') ? '1' : '0');
}
